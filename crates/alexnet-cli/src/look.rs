//! How text looks: in colours and with drawn bars on a terminal, plain everywhere else.

use anstyle::{AnsiColor, Style};
use std::io::IsTerminal;

/// What a place that text goes to can show.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Look {
    /// Colours. Not where `NO_COLOR` is set, or the terminal is a dumb one.
    pub colour: bool,
    /// Characters beyond ASCII.
    pub unicode: bool,
}

impl Look {
    /// Text alone.
    pub const PLAIN: Look = Look { colour: false, unicode: false };

    /// What stdout can show.
    pub fn of_stdout() -> Look {
        let stdout = std::io::stdout();
        if !stdout.is_terminal() {
            return Look::PLAIN;
        }
        let colour = anstream::AutoStream::choice(&stdout) != anstream::ColorChoice::Never;
        Look { colour, unicode: speaks_unicode(|name| std::env::var(name).ok()) }
    }

    /// Right, or as it should be.
    pub fn good(self, text: &str) -> String {
        self.styled(text, AnsiColor::Green.on_default().bold())
    }

    /// What differs.
    pub fn bad(self, text: &str) -> String {
        self.styled(text, AnsiColor::Red.on_default().bold())
    }

    /// What is to be kept in mind.
    pub fn warning(self, text: &str) -> String {
        self.styled(text, AnsiColor::Yellow.on_default())
    }

    /// A heading.
    pub fn heading(self, text: &str) -> String {
        self.styled(text, Style::new().bold())
    }

    /// What matters less.
    pub fn faint(self, text: &str) -> String {
        self.styled(text, Style::new().dimmed())
    }

    fn styled(self, text: &str, style: Style) -> String {
        if self.colour && !text.is_empty() { format!("{style}{text}{style:#}") } else { text.to_owned() }
    }
}

/// Whether the locale's encoding is UTF-8: the first of the three variables that says anything decides, as POSIX has it.
fn speaks_unicode(variable: impl Fn(&str) -> Option<String>) -> bool {
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().filter_map(variable).find(|value| !value.is_empty());
    match locale.map(|locale| locale.to_ascii_uppercase().replace('-', "")) {
        Some(locale) => locale.ends_with("UTF8"),
        None => cfg!(any(target_os = "macos", windows)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_locale_that_is_set_decides() {
        let speaks = |all: &'static str, lang: &'static str| {
            speaks_unicode(|name| match name {
                "LC_ALL" => Some(all.to_owned()),
                "LANG" => Some(lang.to_owned()),
                _ => None,
            })
        };
        assert!(speaks("", "en_GB.UTF-8") && speaks("C.utf8", "C"));
        assert!(!speaks("C", "en_GB.UTF-8") && !speaks("POSIX", ""));
    }

    #[test]
    fn plain_text_stays_as_it_is() {
        assert_eq!(Look::PLAIN.bad("differs"), "differs");
        let coloured = Look { colour: true, unicode: false }.bad("differs");
        assert!(coloured.starts_with("\u{1b}[") && coloured.ends_with("\u{1b}[0m"), "{coloured:?}");
    }
}

//! The words of protobuf's text format.

use crate::shown::shown;
use crate::{Error, Limits, Result};

/// A word, and the line that it begins on.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Token {
    pub line: usize,
    pub word: Word,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Word {
    /// A field, an enumeration's value, `true`, `inf`.
    Name(String),
    /// A number as it is written, without its sign.
    Number(String),
    /// The content of a quoted text.
    Text(String),
    /// One of `{}<>[]:;,-`.
    Symbol(char),
}

impl Word {
    /// The word as it may stand in a message.
    pub fn shown(&self) -> String {
        match self {
            Word::Name(text) | Word::Number(text) | Word::Text(text) => shown(text.as_bytes()),
            Word::Symbol(symbol) => symbol.to_string(),
        }
    }
}

/// The words of a text, first to last.
pub(super) struct Tokens<'t> {
    rest: &'t str,
    line: usize,
    limit: usize,
}

impl<'t> Tokens<'t> {
    pub fn new(text: &'t str, limits: &Limits) -> Tokens<'t> {
        Tokens { rest: text.strip_prefix('\u{feff}').unwrap_or(text), line: 1, limit: limits.name_bytes }
    }

    /// How long a word may be.
    pub fn limit(&self) -> usize {
        self.limit
    }

    /// The next word; `None` at the end.
    pub fn word(&mut self) -> Result<Option<Token>> {
        self.skip();
        let line = self.line;
        let Some(first) = self.rest.chars().next() else { return Ok(None) };
        let word = match first {
            'a'..='z' | 'A'..='Z' | '_' => Word::Name(self.run(|c| c.is_ascii_alphanumeric() || c == '_')?),
            '0'..='9' | '.' => Word::Number(self.number()?),
            '"' | '\'' => Word::Text(self.text(first).map_err(|error| error.at(format!("line {line}")))?),
            '{' | '}' | '<' | '>' | '[' | ']' | ':' | ';' | ',' | '-' => {
                self.take();
                Word::Symbol(first)
            }
            strange => {
                return Err(
                    Error::malformed(format!("`{}` begins no word", strange.escape_debug())).at(format!("line {line}"))
                );
            }
        };
        Ok(Some(Token { line, word }))
    }

    /// Passes over blanks and comments.
    fn skip(&mut self) {
        loop {
            match self.rest.chars().next() {
                Some('#') => self.rest = self.rest.find('\n').and_then(|end| self.rest.get(end..)).unwrap_or_default(),
                Some(c) if c.is_ascii_whitespace() => drop(self.take()),
                _ => return,
            }
        }
    }

    fn take(&mut self) -> Option<char> {
        let mut chars = self.rest.chars();
        let taken = chars.next();
        self.rest = chars.as_str();
        self.line = self.line.saturating_add(usize::from(taken == Some('\n')));
        taken
    }

    fn run(&mut self, belongs: impl Fn(char) -> bool) -> Result<String> {
        let end = self.rest.find(|c| !belongs(c)).unwrap_or(self.rest.len());
        let (run, rest) = self.rest.split_at_checked(end).unwrap_or_default();
        self.rest = rest;
        match run.len() > self.limit {
            true => Err(Error::limit("name_bytes", format!("a word of {} bytes", run.len()), self.limit)),
            false => Ok(run.to_owned()),
        }
    }

    /// Digits, with a sign within only after an exponent's `e`.
    fn number(&mut self) -> Result<String> {
        let digits = |c: char| c.is_ascii_alphanumeric() || c == '.';
        let mut number = self.run(digits)?;
        let hexadecimal = number.starts_with("0x") || number.starts_with("0X");
        if number.ends_with(['e', 'E']) && !hexadecimal && self.rest.starts_with(['+', '-']) {
            number.extend(self.take());
            number.push_str(&self.run(|c| c.is_ascii_digit())?);
        }
        Ok(number)
    }

    fn text(&mut self, quote: char) -> Result<String> {
        let mut bytes = Vec::new();
        self.take();
        loop {
            match self.take() {
                Some(c) if c == quote => break,
                Some('\\') => bytes.push(self.escape()?),
                Some('\n') | None => return Err(Error::malformed("a text without its closing quote")),
                Some(c) => bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
            }
            if bytes.len() > self.limit {
                return Err(Error::limit("name_bytes", "a longer text", self.limit));
            }
        }
        String::from_utf8(bytes).map_err(|_| Error::malformed("a text that is no UTF-8"))
    }

    fn escape(&mut self) -> Result<u8> {
        let Some(escaped) = self.take() else { return Err(Error::malformed("a text ends in a backslash")) };
        Ok(match escaped {
            'n' => b'\n',
            't' => b'\t',
            'r' => b'\r',
            '\\' | '\'' | '"' | '?' => u8::try_from(escaped).unwrap_or(b'?'),
            'x' | 'X' => self.digits(String::new(), 16, 2)?,
            '0'..='7' => self.digits(escaped.to_string(), 8, 3)?,
            strange => return Err(Error::malformed(format!("an escaped `{}`", strange.escape_debug()))),
        })
    }

    fn digits(&mut self, mut digits: String, base: u32, most: usize) -> Result<u8> {
        while digits.len() < most && self.rest.starts_with(|c: char| c.is_digit(base)) {
            digits.extend(self.take());
        }
        u8::from_str_radix(&digits, base).map_err(|_| Error::malformed(format!("an escaped `{digits}`")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Result<Vec<Word>> {
        let (limits, mut words) = (Limits::default(), Vec::new());
        let mut tokens = Tokens::new(text, &limits);
        while let Some(token) = tokens.word()? {
            words.push(token.word);
        }
        Ok(words)
    }

    #[test]
    fn words_of_every_kind_are_told_apart() {
        let text = "name: 'Alex\\x4eet\\n\\101' # a comment {\nalpha:1e-4,beta :.75 k:-0x1F{ }";
        let name = |name: &str| Word::Name(name.into());
        let number = |number: &str| Word::Number(number.into());
        let symbol = Word::Symbol;
        let expected = vec![
            name("name"),
            symbol(':'),
            Word::Text("AlexNet\nA".into()),
            name("alpha"),
            symbol(':'),
            number("1e-4"),
            symbol(','),
            name("beta"),
            symbol(':'),
            number(".75"),
            name("k"),
            symbol(':'),
            symbol('-'),
            number("0x1F"),
            symbol('{'),
            symbol('}'),
        ];
        assert_eq!(words(text).unwrap(), expected);
    }

    #[test]
    fn what_is_no_word_is_malformed_and_named_with_its_line() {
        let cases = [
            ("a: 'b\n'", "line 1: a text without its closing quote"),
            ("\n\"b", "line 2: a text without its closing quote"),
            ("\n\n$", "line 3: `$` begins no word"),
            ("'\\q'", "an escaped `q`"),
            ("'\\xff'", "no UTF-8"),
            ("'\\777'", "an escaped `777`"),
        ];
        for (text, says) in cases {
            let error = words(text).unwrap_err().to_string();
            assert!(error.contains(says), "{text:?}: {error}");
        }
        assert!(words(&"a".repeat(5000)).unwrap_err().to_string().contains("limit `name_bytes`"));
    }
}

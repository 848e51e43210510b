use crate::html::evidence::Evidence;
use crate::quantity::{short, size};
use crate::verify::Report;
use maud::{Markup, html};

/// The command line that made the page, and the reduced test where there is one.
pub fn reproduce(report: &Report, evidence: &Evidence) -> Option<Markup> {
    let mut words: Vec<String> = evidence.command.iter().map(|word| quoted(word)).collect();
    // Where the program lay is nobody else's matter.
    if let Some(program) = words.first_mut() {
        *program = "alexnet-verify".into();
    }
    (!words.is_empty()).then(|| {
        html! {
            pre { code { (words.join(" ")) } }
            @if let Some(folder) = &report.saved {
                p { "The inputs and outputs are recorded in " code { (folder.display()) } "; " code { "--fixtures" } " replays them." }
            }
            @if let Some(reduced) = &report.reduced {
                h3 { "The smallest graph that shows it" }
                p {
                    code { (reduced.folder.display()) } " holds " strong { (reduced.layer) } " alone (" (reduced.operators.join(", ")) ", "
                    (size(reduced.bytes)) "), with an input and the right output, as a test of ONNX's backends that any runtime can run"
                    @if let Some(difference) = reduced.difference { ": it is off by " (short(difference)) " where " (short(reduced.allowed)) " is allowed" }
                    "."
                }
            }
        }
    })
}

/// A word as a shell takes it.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./,:=+@%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn a_shell_takes_words_as_they_were() {
        let words = ["a.pth", "--rtol=1e-5", "my file", "it's", "", "$(rm)"].map(quoted);
        assert_eq!(words, ["a.pth", "--rtol=1e-5", "'my file'", r"'it'\''s'", "''", "'$(rm)'"]);
    }
}

use super::evidence::Evidence;
use super::sections::{self, Section};
use crate::verify::Report;
use maud::{DOCTYPE, Markup, PreEscaped, html};

/// Nothing is fetched and nothing runs, whatever the rest of the page says.
const POLICY: &str =
    "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

/// The whole document.
pub(super) fn page(report: &Report, evidence: &Evidence) -> Markup {
    let sections: Vec<Section> = sections::all(report, evidence);
    let outcome = sections::Outcome::of(report).word();
    html! {
        (DOCTYPE)
        html lang="en" data-by="alexnet-verify" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (outcome) ": " (report.a.path) @if let Some(b) = &report.b { " and " (b.path) } }
                link rel="icon" href="data:,";
                style { (PreEscaped(include_str!("style.css"))) }
            }
            body class=(outcome.to_lowercase()) {
                (sections::verdict(report, evidence))
                nav aria-label="Sections" {
                    @for section in &sections { a href={ "#" (section.id) } { (section.title) } }
                }
                main {
                    @for section in &sections {
                        section id=(section.id) aria-labelledby={ (section.id) "-title" } {
                            h2 id={ (section.id) "-title" } { (section.title) }
                            (section.body)
                        }
                    }
                }
                footer { p { (evidence.program) } }
            }
        }
    }
}

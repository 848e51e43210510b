use crate::html::evidence::Evidence;
use crate::quantity::{grouped, short};
use crate::verify::Report;
use maud::{Markup, html};

/// What came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// All that was asked for agrees.
    Agreed,
    /// Something differs.
    Disagreed,
    /// Nothing differs, but not every image could be compared.
    Incomplete,
}

impl Outcome {
    /// The outcome of a report.
    pub fn of(report: &Report) -> Outcome {
        let logits = report.consistency.iter().chain(&report.truth).all(|row| row.agrees());
        let parameters = report.parameters.as_ref().is_none_or(|check| check.agrees());
        let images =
            report.images.as_ref().is_some_and(|images| images.within == images.compared && !images.is_complete());
        match report.agreed {
            true => Outcome::Agreed,
            false if logits && parameters && images && report.first_difference.is_none() => Outcome::Incomplete,
            false => Outcome::Disagreed,
        }
    }

    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Outcome::Agreed => "Agreed",
            Outcome::Disagreed => "Disagreed",
            Outcome::Incomplete => "Incomplete",
        }
    }
}

/// The outcome, large, and the numbers behind it.
pub fn verdict(report: &Report, _evidence: &Evidence) -> Markup {
    let compared = || report.consistency.iter().chain(&report.truth);
    let worst = compared().map(|c| c.severity()).fold(0.0, f64::max);
    html! {
        header.verdict {
            div.wide {
                p.program { "alexnet-verify" }
                h1 {
                    @match Outcome::of(report) {
                        Outcome::Agreed => { span aria-hidden="true" { "✓" } " Agreed" }
                        Outcome::Disagreed => { span aria-hidden="true" { "✗" } " Disagreed" }
                        Outcome::Incomplete => { span aria-hidden="true" { "?" } " Incomplete" }
                    }
                }
                @if let Some(first) = &report.first_difference {
                    p.lead { strong { (first.layer) } " parts first" }
                    p.sentence { (first.runtime) ": " (first.what) }
                    @if let Some(diagnosis) = &report.diagnosis {
                        div.diagnosis {
                            p { strong { (diagnosis.sentence) } }
                            p { "Try: " (diagnosis.remedy) }
                            p.muted { "A reference that makes this mistake differs from B by no more than " (short(diagnosis.remaining)) " of the largest value." }
                        }
                    }
                } @else {
                    p.sentence { (sentence(&report.verdict)) }
                }
                p.files { code { (report.a.path) } @if let Some(b) = &report.b { " against " code { (b.path) } } @else { " on several runtimes" } }
                dl.tiles {
                    (tile(&grouped(report.fixtures.len() as u64), "inputs"))
                    (tile(&grouped(compared().count() as u64), "comparisons of logits"))
                    (tile(&share(worst), "largest difference, relative to the tolerance"))
                    @if let Some(images) = &report.images {
                        (tile(&format!("{} / {}", grouped(images.within), grouped(images.images)), "images within the tolerance"))
                    }
                    @if let Some(parameters) = &report.parameters {
                        (tile(&format!("{} / {}", parameters.equal, parameters.compared), "parameters equal"))
                    }
                }
            }
        }
    }
}

fn tile(value: &str, what: &str) -> Markup {
    html! { div { dt { (what) } dd { (value) } } }
}

/// The verdict without the word that stands above it in large letters.
fn sentence(verdict: &str) -> String {
    let rest = verdict.split_once(": ").map_or(verdict, |(_, rest)| rest);
    let mut letters = rest.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

/// A share of what is allowed: a percentage, or how many times over.
fn share(severity: f64) -> String {
    match severity {
        s if !s.is_finite() => "∞".into(),
        s if s < 10.0 => format!("{:.1} %", s * 100.0),
        s => format!("{}×", grouped(s.round() as u64)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_a_percentage_until_it_is_a_multiple() {
        let shown = [0.07, 1.0, 65_000.4, f64::INFINITY].map(share);
        assert_eq!(shown, ["7.0 %", "100.0 %", "65,000×", "∞"]);
    }

    #[test]
    fn the_sentence_goes_without_the_verdict() {
        assert_eq!(sentence("DISAGREED: the logits part on `a: b`"), "The logits part on `a: b`");
    }
}

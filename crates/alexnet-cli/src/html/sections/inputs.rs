use crate::html::evidence::Evidence;
use crate::quantity::grouped;
use crate::verify::Report;
use maud::{Markup, html};

/// Names that are listed without a picture; the rest is counted.
const MOST: usize = 40;

/// What both sides were run on: the first inputs as pictures.
pub fn inputs(report: &Report, evidence: &Evidence) -> Option<Markup> {
    let pictures = evidence.inputs.len();
    let rest = report.fixtures.len().saturating_sub(pictures + MOST);
    Some(html! {
        @if pictures > 0 {
            ul.gallery {
                @for one in &evidence.inputs { li { img src=(one.picture) alt={ "The input " (one.name) }; span { (one.name) } } }
            }
        }
        @if report.fixtures.len() > pictures {
            p.names {
                @for name in report.fixtures.iter().skip(pictures).take(MOST) { code { (name) } " " }
                @if rest > 0 { "and " (grouped(rest as u64)) " more" }
            }
        }
    })
}

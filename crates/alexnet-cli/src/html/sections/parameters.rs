use crate::html::evidence::Evidence;
use crate::verify::Report;
use maud::{Markup, html};

/// Differences listed; a wrong transform changes all tensors alike.
const MOST: usize = 40;

/// Whether the weights themselves are the same.
pub fn parameters(report: &Report, _evidence: &Evidence) -> Option<Markup> {
    let check = report.parameters.as_ref()?;
    Some(html! {
        @if check.compared == 0 { p { "None was compared: no name is known on both sides." } }
        @else {
            p {
                (check.compared) " compared, " (check.equal) " equal to the last bit"
                @if check.differences.is_empty() && check.equal < check.compared { ", the others as rounding explains" }
                "."
            }
        }
        @if !check.differences.is_empty() {
            ul.differences { @for difference in check.differences.iter().take(MOST) { li { (difference) } } }
            @if check.differences.len() > MOST { p { "and " (check.differences.len() - MOST) " more" } }
        }
        @if !check.not_found.is_empty() && check.compared > 0 { p { "Not found in B: " (check.not_found.join(", ")) } }
    })
}

//! The parts of the page, one file each. A part with nothing to show is left out.

mod compared;
mod cost;
mod differences;
mod feature_map;
mod first_filters;
mod images;
mod inputs;
mod layers;
mod logits;
mod networks;
mod parameters;
mod reproduce;
mod top_five;
mod verdict;

use super::evidence::Evidence;
use crate::verify::Report;
use maud::{Markup, html};

pub(super) use verdict::{Outcome, verdict};

/// A part of the page.
pub(super) struct Section {
    /// Its anchor.
    pub id: &'static str,
    /// Its heading.
    pub title: &'static str,
    /// What is in it.
    pub body: Markup,
}

/// All parts that have something to show, in their order.
pub(super) fn all(report: &Report, evidence: &Evidence) -> Vec<Section> {
    type Part = fn(&Report, &Evidence) -> Option<Markup>;
    let parts: [(&str, &str, Part); 13] = [
        ("compared", "What was compared", compared::compared),
        ("layers", "Layer by layer", layers::layers),
        ("map", "Where it differs most", feature_map::feature_map),
        ("differences", "How large the differences are", differences::differences),
        ("networks", "The networks", networks::networks),
        ("filters", "First-layer filters", first_filters::first_filters),
        ("logits", "Logits", logits::logits),
        ("images", "Over the images", images::images),
        ("inputs", "Inputs", inputs::inputs),
        ("classes", "What they see", top_five::top_five),
        ("cost", "What fewer bits cost", cost::cost),
        ("parameters", "Parameters", parameters::parameters),
        ("reproduce", "Do it again", reproduce::reproduce),
    ];
    let shown =
        parts.into_iter().filter_map(|(id, title, part)| Some(Section { id, title, body: part(report, evidence)? }));
    shown.collect()
}

/// A table in a box that scrolls by itself, which keyboards reach.
fn scrolling(label: &str, table: Markup) -> Markup {
    html! { div.scroll role="region" aria-label=(label) tabindex="0" { (table) } }
}

/// Agreement as a word and a sign: colour alone says nothing to some.
fn badge(agrees: bool) -> Markup {
    html! {
        @if agrees { span.badge.good { "✓ agrees" } } @else { span.badge.bad { "✗ differs" } }
    }
}

/// A text from a file, short enough for a table.
fn clipped(text: &str) -> String {
    const LONGEST: usize = 80;
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

/// What is allowed, as a share of the largest reference value, where there is one.
fn allowed(metrics: &crate::compare::Metrics) -> f64 {
    let bound = metrics.tolerance.bound(metrics.scale);
    if metrics.scale > 0.0 { bound / metrics.scale } else { bound }
}

//! The report as one HTML file: no network, no script, no fonts; the same report gives the same bytes.
//!
//! Whatever comes from a file (paths, names of layers and classes, messages) passes through `maud`, which escapes it. The page
//! forbids itself scripts and everything from elsewhere besides.

mod charts;
mod collect;
mod colour;
mod evidence;
mod filters;
mod page;
mod picture;
mod sections;

pub use evidence::Evidence;

pub(crate) use collect::collect;

use crate::verify::Report;

/// How every page begins: what tells it from other files.
pub const START: &str = "<!DOCTYPE html><html lang=\"en\" data-by=\"alexnet-verify\">";

/// The page of a report.
pub fn render(report: &Report, evidence: &Evidence) -> String {
    page::page(report, evidence).into_string()
}

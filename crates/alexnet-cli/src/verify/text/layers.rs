use super::bar::{bar, legend};
use super::distinct;
use crate::compare::Metrics;
use crate::look::Look;
use crate::quantity::grouped;
use crate::verify::report::{LayerComparison, Report};
use std::fmt::Write;

/// A table for each run whose layers were walked, and where the first one that differs does so.
pub(super) fn layers(out: &mut String, report: &Report, look: Look) {
    for runtime in distinct(report.layers.iter().map(|row| row.runtime.as_str())) {
        let title = format!("layers, {runtime}");
        let head = format!("{title:<34} {:>10} {:>10} {:>10}", "cumulative", "isolated", "allowed");
        let _ = writeln!(out, "\n{}   {}", look.heading(&head), look.faint(legend(look)));
        for row in report.layers.iter().filter(|row| row.runtime == runtime) {
            line(out, row, look);
        }
    }
    let first = report.first_difference.as_ref();
    let row = first.and_then(|f| report.layers.iter().find(|row| row.layer == f.layer && row.runtime == f.runtime));
    if let Some(row) = row {
        places(out, row);
    }
}

fn line(out: &mut String, row: &LayerComparison, look: Look) {
    let relative = |metrics: &Option<Metrics>| match metrics {
        // What differs from zeros has no share of them.
        Some(m) if m.max_rel.is_finite() => format!("{:.1e}", m.max_rel),
        Some(m) => format!("{:.1e}", m.max_abs),
        None => "-".into(),
    };
    let share = |metrics: &Option<Metrics>| metrics.as_ref().map(Metrics::severity);
    let held = row.isolated.as_ref().or(row.cumulative.as_ref());
    let allowed = held.map_or(String::new(), |m| format!("{:.1e}", m.tolerance.rtol));
    let mark = match &row.why {
        Some(why) => look.bad(&format!("<- {why}")),
        None if row.differs() => look.bad("<- differs"),
        None => String::new(),
    };
    let _ = writeln!(
        out,
        "  {:<32} {:>10} {:>10} {allowed:>10}   {} {mark}",
        row.layer,
        relative(&row.cumulative),
        relative(&row.isolated),
        bar(share(&row.isolated), share(&row.cumulative), look),
    );
}

/// How many values of a layer are outside, and which: the first, and the worst.
fn places(out: &mut String, row: &LayerComparison) {
    let metrics = [&row.isolated, &row.cumulative].into_iter().flatten().find(|metrics| !metrics.agrees);
    let Some(m) = metrics else { return };
    let name = &row.layer;
    let _ = write!(out, "\n{name}: {:.3} % of {} values are outside", m.outside * 100.0, grouped(m.elements as u64));
    if let Some(first) = &m.first_outside {
        let _ = write!(out, ", the first at {:?}: {} against {}", first.index, first.other, first.reference);
    }
    if let Some(worst) = m.worst.as_ref().filter(|worst| m.first_outside.as_ref() != Some(worst)) {
        let _ = write!(out, ", the worst at {:?}: {} against {}", worst.index, worst.other, worst.reference);
    }
    let _ = writeln!(out);
}

use super::{allowed, badge, scrolling};
use crate::compare::Metrics;
use crate::html::charts::{Point, log_curve};
use crate::html::evidence::Evidence;
use crate::quantity::short;
use crate::verify::{LayerComparison, Report};
use maud::{Markup, html};

/// A curve and a table for every run whose layers were compared.
pub fn layers(report: &Report, _evidence: &Evidence) -> Option<Markup> {
    let mut runs: Vec<(&str, Vec<&LayerComparison>)> = Vec::new();
    for row in &report.layers {
        match runs.iter_mut().find(|(name, _)| *name == row.runtime) {
            Some((_, rows)) => rows.push(row),
            None => runs.push((&row.runtime, vec![row])),
        }
    }
    (!runs.is_empty()).then(|| {
        html! {
            p.muted {
                "The largest difference of each layer's output as a share of the largest reference value. "
                strong { "Cumulative" } " includes what the layers before it did; "
                strong { "isolated" } " feeds both sides the reference's input, so that only the layer's own mistake shows."
            }
            @for (name, rows) in &runs { (run(report, name, rows)) }
        }
    })
}

fn run(report: &Report, name: &str, rows: &[&LayerComparison]) -> Markup {
    let named =
        report.first_difference.as_ref().filter(|first| first.runtime == name).map(|first| first.layer.as_str());
    let first = named.or(rows.iter().find(|row| row.differs()).map(|row| row.layer.as_str()));
    let parts = |row: &LayerComparison| first == Some(row.layer.as_str());
    let points: Vec<Point<'_>> = rows
        .iter()
        .map(|row| Point {
            layer: &row.layer,
            cumulative: row.cumulative.as_ref().map(|m| m.max_rel),
            isolated: row.isolated.as_ref().map(|m| m.max_rel),
            allowed: row.cumulative.as_ref().map(allowed),
            parts: parts(row),
        })
        .collect();
    let marked =
        points.iter().find(|p| p.parts).map_or("no layer parts".to_owned(), |p| format!("{} parts first", p.layer));
    let title = format!("Error of each layer on a logarithmic scale, {name}; {marked}");
    html! {
        h3 { (name) }
        p.legend aria-hidden="true" {
            span.key.cumulative { "cumulative" } span.key.isolated { "isolated" } span.key.allowed { "allowed" }
        }
        div.scroll role="region" aria-label={ "Curve, " (name) } tabindex="0" { (log_curve(&title, &points)) }
        (scrolling(&format!("Layers, {name}"), table(rows, parts)))
    }
}

fn table(rows: &[&LayerComparison], parts: impl Fn(&LayerComparison) -> bool) -> Markup {
    html! {
        table {
            thead {
                tr {
                    th scope="col" { "Layer" } th scope="col" { "Outcome" }
                    th.number scope="col" { "Cumulative" } th.number scope="col" { "Isolated" }
                    th.number scope="col" { "Allowed" } th.number scope="col" { "Cosine" } th scope="col" { "Kind" }
                }
            }
            tbody { @for row in rows { (line(row, parts(row))) } }
        }
    }
}

fn line(row: &LayerComparison, parts: bool) -> Markup {
    let cell = |metrics: &Option<Metrics>, class: &str| match metrics {
        Some(m) => html! { td.number.(if m.agrees { "within" } else { class }) { (short(m.max_rel)) } },
        None => html! { td.number.muted { "–" } },
    };
    let measured = row.isolated.as_ref().or(row.cumulative.as_ref());
    html! {
        tr.parts[parts] {
            th scope="row" { (row.layer) }
            td { (outcome(row, parts)) }
            (cell(&row.cumulative, if row.differs() { "over" } else { "inherits" }))
            (cell(&row.isolated, "over"))
            @match measured {
                Some(m) => { td.number { (short(allowed(m))) } td.number { (format!("{:.6}", m.cosine)) } }
                None => { td.number { "–" } td.number { "–" } }
            }
            td.muted { (row.op) }
        }
    }
}

/// A layer that gives what it should for what it is fed is right, whatever came before it.
fn outcome(row: &LayerComparison, parts: bool) -> Markup {
    let carries = row.cumulative.as_ref().is_some_and(|m| !m.agrees);
    html! {
        @if let Some(why) = &row.why { span.badge.bad { "✗ " (why) } }
        @else if parts { span.badge.bad { "✗ parts first" } }
        @else if carries && !row.differs() { span.badge.inherits { "↓ inherits" } }
        @else { (badge(!row.differs())) }
        @if !row.unseen.is_empty() { " " span.muted { "with " (row.unseen.join(", ")) } }
    }
}

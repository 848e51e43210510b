use super::{allowed, badge, scrolling};
use crate::html::evidence::Evidence;
use crate::quantity::{grouped, short};
use crate::verify::{Comparison, Report};
use maud::{Markup, html};

/// Rows of a table; more of them tell nothing that the first don't.
const MOST: usize = 60;

/// The sides against each other, and against what other programs recorded.
pub fn logits(report: &Report, _evidence: &Evidence) -> Option<Markup> {
    let tables = [
        (
            "Consistency",
            "Every run against the first, on the same inputs: does the conversion preserve the function?",
            &report.consistency,
        ),
        ("Truth", "Every run against outputs that another program recorded: is it the right function?", &report.truth),
    ];
    tables.iter().any(|(_, _, rows)| !rows.is_empty()).then(|| {
        html! {
            @for (title, about, rows) in tables {
                h3 { (title) }
                p.muted { (about) }
                @if rows.is_empty() { p { "Nothing was recorded for these inputs." } } @else { (scrolling(title, table(rows))) }
            }
        }
    })
}

fn table(rows: &[Comparison]) -> Markup {
    // What differs comes first where not all rows are shown.
    let mut shown: Vec<&Comparison> = rows.iter().collect();
    if shown.len() > MOST {
        shown.sort_by_key(|row| row.agrees());
    }
    html! {
        table {
            thead {
                tr {
                    th scope="col" { "Input" } th scope="col" { "Outcome" } th scope="col" { "Run" } th scope="col" { "Against" }
                    th.number scope="col" { "Max diff." } th.number scope="col" { "Relative" } th.number scope="col" { "Allowed" }
                    th.number scope="col" { "Cosine" } th.number scope="col" { "Top-1" } th.number scope="col" { "Top-5" }
                }
            }
            tbody { @for row in shown.iter().take(MOST) { (line(row)) } }
            @if rows.len() > MOST { tfoot { tr { td colspan="10" { "and " (grouped((rows.len() - MOST) as u64)) " more" } } } }
        }
    }
}

fn line(row: &Comparison) -> Markup {
    html! {
        tr.differs[!row.agrees()] {
            th.words scope="row" { (row.fixture) }
            td { (badge(row.agrees())) }
            td.words { (row.runtime) }
            td.words { (row.reference) }
            @match &row.metrics {
                Some(m) => {
                    td.number { (short(m.max_abs)) }
                    td.number.over[!m.agrees] { (short(m.max_rel)) }
                    td.number { (short(allowed(m))) }
                    td.number { (format!("{:.6}", m.cosine)) }
                }
                None => { td colspan="4" { (row.why.as_deref().unwrap_or("not compared")) } }
            }
            @match &row.classes {
                Some(classes) => { td.number { @if classes.top1 { "same" } @else { "other" } } td.number { (classes.top5) "/5" } }
                None => { td.number { "–" } td.number { "–" } }
            }
        }
    }
}

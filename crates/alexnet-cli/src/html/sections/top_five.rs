use super::scrolling;
use crate::html::evidence::{Class, Classification, Evidence};
use crate::verify::Report;
use alexnet_spec::Labels;
use maud::{Markup, html};

/// The first five classes of every run, side by side.
pub fn top_five(_report: &Report, evidence: &Evidence) -> Option<Markup> {
    let shown = &evidence.classifications;
    (!shown.is_empty()).then(|| {
        html! { @for one in shown { h3 { (one.fixture) } (scrolling(&format!("First classes, {}", one.fixture), table(one, &evidence.labels))) } }
    })
}

fn table(one: &Classification, labels: &Labels) -> Markup {
    let rows = one.runs.iter().map(|(_, classes)| classes.len()).max().unwrap_or(0);
    let reference = one.runs.first().map_or(&[][..], |(_, classes)| classes);
    html! {
        table.classes {
            thead {
                tr {
                    th scope="col" { "Rank" }
                    @for (run, _) in &one.runs { th scope="colgroup" colspan="3" { (run) } }
                }
            }
            tbody {
                @for rank in 0..rows {
                    tr {
                        th scope="row" { (rank + 1) }
                        @for (_, classes) in &one.runs {
                            @match classes.get(rank) {
                                Some(class) => (cells(class, labels, reference.get(rank).is_some_and(|r| r.index != class.index)))
                                None => { td colspan="3" { "–" } }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn cells(class: &Class, labels: &Labels, other: bool) -> Markup {
    html! {
        td.over[other] { @match labels.name(class.index) { Some(name) => { (super::clipped(&name)) " " span.muted { (class.index) } } None => { "class " (class.index) } } }
        td.number { (format!("{:.1} %", class.probability * 100.0)) }
        td.number.muted { (format!("{:.3}", class.logit)) }
    }
}

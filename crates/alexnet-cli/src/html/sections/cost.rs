use super::scrolling;
use crate::html::evidence::Evidence;
use crate::quantity::{short, size};
use crate::verify::{Cost, OnRuntime, Report};
use maud::{Markup, html};

/// What fewer bits cost, and what they save.
pub fn cost(report: &Report, _evidence: &Evidence) -> Option<Markup> {
    let cost = report.cost.as_ref()?;
    Some(html! {
        p {
            strong { (cost.precision) } ": " (size(cost.bytes)) " on disk, where the weights in f32 take " (size(cost.f32_bytes))
            " (" (short(cost.f32_bytes as f64 / cost.bytes.max(1) as f64)) " times as much). Agreement is with A, on "
            (cost.inputs) " inputs."
        }
        (scrolling("What fewer bits cost", table(cost)))
    })
}

fn table(cost: &Cost) -> Markup {
    html! {
        table {
            thead {
                tr {
                    th scope="col" { "Runtime" } th.number scope="col" { "Top-1" } th.number scope="col" { "Top-5" }
                    th.number scope="col" { "Mean KL, nats" } th.number scope="col" { "Signal to noise" }
                    th.number scope="col" { "Time of an input" } th.number scope="col" { "In f32" }
                }
            }
            tbody { @for run in &cost.runtimes { (line(run, cost.inputs)) } }
        }
    }
}

fn line(run: &OnRuntime, inputs: usize) -> Markup {
    let of = |part: Option<usize>, all: usize| part.map_or("–".to_owned(), |part| format!("{part}/{all}"));
    let milliseconds = |which: usize| {
        run.milliseconds
            .and_then(|both| both.get(which).copied())
            .map_or("–".to_owned(), |ms| format!("{} ms", short(ms)))
    };
    html! {
        tr {
            th scope="row" { (run.runtime) }
            td.number { (of(run.top1, inputs)) }
            td.number { (of(run.top5, inputs.saturating_mul(5))) }
            td.number { (run.kl.map_or("–".into(), short)) }
            td.number { (run.snr_db.map_or("–".into(), |db| format!("{db:.1} dB"))) }
            td.number { (milliseconds(0)) }
            td.number { (milliseconds(1)) }
        }
    }
}

use crate::html::evidence::Evidence;
use crate::quantity::{grouped, size};
use crate::verify::{Ran, Report, Side};
use alexnet_spec::{ChannelOrder, Network, PixelRange};
use maud::{Markup, html};

/// The two files, what they are and what ran them.
pub fn compared(report: &Report, evidence: &Evidence) -> Option<Markup> {
    let [a, b] = &evidence.networks;
    Some(html! {
        div.pair {
            (side("A, the reference", "a", &report.a, evidence.bytes[0], a.as_ref()))
            @if let Some(other) = &report.b { (side("B", "b", other, evidence.bytes[1], b.as_ref())) }
        }
        @if !report.unavailable.is_empty() {
            h3 { "Not used" }
            ul { @for missing in &report.unavailable { li { strong { (missing.runtime) } ": " (missing.why) } } }
        }
    })
}

fn side(title: &str, class: &str, side: &Side, bytes: Option<u64>, network: Option<&Network>) -> Markup {
    html! {
        div.card class=(class) {
            h3 { (title) }
            dl.facts {
                dt { "File" } dd { code { (side.path) } }
                dt { "Network" } dd { (side.network.as_deref().unwrap_or("it doesn't say")) }
                @if let Some(network) = network {
                    dt { "Input" } dd { (input(network, side.network.is_some())) }
                    @if let Ok(count) = network.parameter_count() { dt { "Weights" } dd { (grouped(count)) } }
                }
                @if let Some(bytes) = bytes { dt { "Size" } dd { (size(bytes)) } }
                @if let Some(sha256) = &side.sha256 { dt { "SHA-256" } dd { code.hash { (sha256) } } }
                @for ran in &side.runs { dt { "Run by" } dd { (run(ran)) } }
            }
        }
    }
}

fn run(ran: &Ran) -> Markup {
    html! {
        strong { (ran.runtime) } ", " (ran.arithmetic)
        @if ran.stored != ran.arithmetic { " from " (ran.stored) " weights" }
        @if let Some(why) = &ran.failed { br; span.badge.bad { "✗ " (why) } }
    }
}

/// The input, with what its pixels are where the file says it: tensors alone don't.
fn input(network: &Network, told: bool) -> String {
    let order = match network.preprocessing.channel_order {
        ChannelOrder::Rgb => "RGB",
        ChannelOrder::Bgr => "BGR",
    };
    let range = match network.preprocessing.range {
        PixelRange::Unit => "0 to 1",
        PixelRange::Byte => "0 to 255",
    };
    let input = &network.input;
    let pixels = if told { format!(", {order}, {range}") } else { String::new() };
    format!("{}×{}×{}{pixels}", input.channels, input.height, input.width)
}

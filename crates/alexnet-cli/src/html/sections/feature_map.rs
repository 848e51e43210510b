use crate::html::charts::heat_maps;
use crate::html::evidence::Evidence;
use crate::verify::Report;
use maud::{Markup, html};

/// The map with the largest difference as the reference and the other have it.
pub fn feature_map(_report: &Report, evidence: &Evidence) -> Option<Markup> {
    let pair = evidence.worst.as_ref()?;
    Some(html! {
        p {
            strong { (pair.layer) }
            @match pair.channel {
                Some(channel) => { ", channel " (channel) ", " }
                None => { ", its features wrapped into rows, " }
            }
            "on " code { (pair.fixture) } ", " (pair.runtime) "."
        }
        (heat_maps(pair))
    })
}

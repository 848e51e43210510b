use crate::html::evidence::Evidence;
use crate::html::filters::{differing, filters};
use crate::verify::Report;
use maud::{Markup, html};

/// The weights of both first convolutions as pictures.
pub fn first_filters(_report: &Report, evidence: &Evidence) -> Option<Markup> {
    let [a, b] = &evidence.filters;
    let shown = [("A", a, None), ("B", b, a.as_ref())].map(|(name, own, like)| {
        let picture = filters(own.as_ref()?, evidence.channel_order, like)?;
        Some((name, picture.data_uri()?, picture))
    });
    let count = a.as_ref().zip(b.as_ref()).and_then(|(a, b)| Some((differing(a, b)?, a.batch())));
    shown.iter().any(Option::is_some).then(|| {
        html! {
            @match count {
                Some((0, of)) => p { "All " (of) " filters are equal to the last bit." }
                Some((differ, of)) => p { (differ) " of " (of) " filters differ" @if differ < of { "; a frame marks them" } "." }
                None => {}
            }
            div.pair {
                @for (name, uri, picture) in shown.iter().flatten() {
                    figure {
                        img.pixelated src=(uri) alt={ "Filters of the first convolution of " (name) } width=(picture.width * 3) height=(picture.height * 3);
                        figcaption { strong { (name) } }
                    }
                }
            }
        }
    })
}

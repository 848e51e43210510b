use crate::html::evidence::Evidence;
use crate::html::filters::{Differing, differing, filters};
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
            @if let Some((Differing { visibly, slightly }, all)) = count {
                p {
                    @match (visibly, slightly) {
                        (0, 0) => { "All " (all) " filters are equal to the last bit." }
                        (0, _) => { (slightly) " of " (all) " filters differ, by less than can be seen." }
                        _ => { (visibly) " of " (all) " filters differ; a frame marks them." }
                    }
                }
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

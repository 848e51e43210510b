use crate::html::evidence::Evidence;
use crate::verify::Report;
use alexnet_spec::diagram::{self, Mark};
use alexnet_spec::{Network, Op, Step};
use maud::{Markup, PreEscaped, html};

/// Both networks as they compute, with what differs marked.
pub fn networks(report: &Report, evidence: &Evidence) -> Option<Markup> {
    let [a, b] = &evidence.networks;
    let parts = report.first_difference.as_ref().map(|first| first.layer.as_str());
    let called = [Some(&report.a), report.b.as_ref()].map(|side| side.and_then(|side| side.network.as_deref()));
    let drawn = [("A", a, b, called[0]), ("B", b, a, called[1])].map(|(side, own, other, called)| {
        let own = own.as_ref()?;
        let marks = marks(own, other.as_ref(), parts);
        Some((side, called.unwrap_or("as its graph computes"), diagram::upright(&at_test_time(own), &marks).ok()?))
    });
    drawn.iter().any(Option::is_some).then(|| {
        html! {
            div.pair {
                @for (side, called, svg) in drawn.iter().flatten() {
                    figure.card.network {
                        figcaption { strong { (side) } ": " (called) }
                        // The specification's own drawing, which escapes the names in it.
                        (PreEscaped(svg))
                    }
                }
            }
        }
    })
}

/// What is said of the layers: which one parts, which the other side has not, elsewhere, or with other constants.
fn marks<'a>(own: &'a Network, other: Option<&Network>, parts: Option<&str>) -> Vec<Mark<'a>> {
    let (steps, others) = (steps(own), other.map(steps).unwrap_or_default());
    let noted = steps.iter().enumerate().filter_map(|(place, step)| {
        let layer = step.layer.name.as_str();
        let twin = others.iter().enumerate().find(|(_, other)| other.layer.name == layer);
        let note = match twin {
            _ if parts == Some(layer) => "parts first",
            _ if other.is_none() => return None,
            None => "only here",
            Some((_, twin)) if !same(step, twin) => "differs",
            Some((there, _)) if there != place => "moved",
            Some(_) => return None,
        };
        Some(Mark { layer, note })
    });
    noted.collect()
}

/// The network without what only training has: a graph leaves it out, and the rows of both sides stay level.
fn at_test_time(network: &Network) -> Network {
    let mut network = network.clone();
    network.layers.retain(|layer| !matches!(layer.op, Op::Dropout(_)));
    network
}

/// The layers that compute something at test time, as far as the network holds together.
fn steps(network: &Network) -> Vec<Step<'_>> {
    let mut steps = network.trace().unwrap_or_default();
    steps.retain(|step| !matches!(step.layer.op, Op::Dropout(_) | Op::Flatten(_)));
    steps
}

/// Whether two layers compute the same: a pool that rounds the other way to the same size does, and so does a norm whose
/// constants differ by the rounding of a file's single precision.
fn same(a: &Step<'_>, b: &Step<'_>) -> bool {
    match (&a.layer.op, &b.layer.op) {
        (Op::MaxPool2d(x), Op::MaxPool2d(y)) => {
            (x.kernel, x.stride, x.pads, a.output) == (y.kernel, y.stride, y.pads, b.output)
        }
        (Op::LocalResponseNorm(x), Op::LocalResponseNorm(y)) => {
            let near = |x: f64, y: f64| (x - y).abs() <= 1e-6 * x.abs();
            let constants = [(x.effective_alpha(), y.effective_alpha()), (x.beta, y.beta), (x.k, y.k)];
            (x.size, x.groups) == (y.size, y.groups) && constants.into_iter().all(|(x, y)| near(x, y))
        }
        (x, y) => x == y,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alexnet_spec::{layers::Rounding, networks};

    fn notes(own: &Network, other: &Network, parts: Option<&str>) -> Vec<(String, &'static str)> {
        let known = ["parts first", "only here", "differs", "moved"];
        let note = |mark: Mark<'_>| known.into_iter().find(|note| *note == mark.note).unwrap_or("?");
        marks(own, Some(other), parts).into_iter().map(|mark| (mark.layer.to_owned(), note(mark))).collect()
    }

    #[test]
    fn layers_that_changed_places_are_marked() {
        let [bvlc, caffenet] = ["bvlc", "caffenet"].map(|name| networks::get(name).unwrap());
        let places = ["norm1", "pool1", "norm2", "pool2"].map(|layer| (layer.to_owned(), "moved"));
        assert_eq!(notes(&bvlc, &caffenet, None), places);
        assert_eq!(notes(&bvlc, &caffenet, Some("norm2"))[2].1, "parts first");
    }

    #[test]
    fn other_constants_are_marked_and_other_words_for_the_same_are_not() {
        let bvlc = networks::get("bvlc").unwrap();
        let mut other = bvlc.clone();
        for layer in &mut other.layers {
            match &mut layer.op {
                Op::MaxPool2d(pool) => {
                    pool.rounding = if pool.rounding == Rounding::Floor { Rounding::Ceil } else { Rounding::Floor };
                }
                Op::LocalResponseNorm(norm) => norm.alpha = f64::from(norm.alpha as f32),
                Op::Conv2d(conv) if layer.name == "conv3" => conv.out += 16,
                _ => {}
            }
        }
        assert_eq!(notes(&bvlc, &other, None), [("conv3".to_owned(), "differs")]);
    }
}

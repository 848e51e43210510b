//! What the page shows, taken from a finished verification.

mod classes;
mod thumbnail;
mod worst_map;

use super::evidence::{Evidence, Thumbnail};
use super::picture;
use crate::array::Array;
use crate::subject::Subject;
use crate::verify::{Check, Outcome};
use alexnet_spec::{ChannelOrder, Network, Op};
use anyhow::Result;
use std::collections::BTreeSet;

/// Inputs that are shown.
const PICTURES: usize = 16;

/// The evidence of a verification that `command` asked for. Where nothing parted, both sides run once more on one input, so that
/// their maps can be shown.
pub(crate) fn collect(what: &Check<'_>, outcome: &Outcome<'_>, command: Vec<String>) -> Result<Evidence> {
    let sides = [Some(what.a), what.b];
    let networks = sides.map(|side| side.and_then(computed));
    // What a graph that says nothing of its pixels is read as is a guess; the inputs were made for this one.
    let known = what.network.or(networks.iter().flatten().next());
    let shown = what.fixtures.iter().take(PICTURES);
    let pictures = shown.filter_map(|fixture| {
        let picture = thumbnail::thumbnail(&fixture.input, known)?;
        Some(Thumbnail { name: fixture.name.clone(), picture: picture.data_uri()? })
    });
    Ok(Evidence {
        program: concat!("alexnet-verify ", env!("CARGO_PKG_VERSION")).into(),
        command,
        bytes: sides.map(|side| side.map(|side| side.bytes().len() as u64).filter(|bytes| *bytes > 0)),
        filters: sides.map(|side| filters(side?, what.network)),
        channel_order: known.map_or(ChannelOrder::Rgb, |network| network.preprocessing.channel_order),
        worst: worst_map::worst_map(what, outcome)?,
        classifications: classes::classifications(what, outcome),
        labels: known.map(|network| network.labels.clone()).unwrap_or_default(),
        inputs: pictures.collect(),
        images: images(outcome),
        networks,
    })
}

/// Thumbnails of the images that the summary lists. One that has gone since is left out: the numbers stand without it.
fn images(outcome: &Outcome<'_>) -> Vec<Thumbnail> {
    let Some(summary) = &outcome.report.images else { return Vec::new() };
    let listed: BTreeSet<&str> =
        summary.flipped.iter().chain(&summary.worst).map(|image| image.path.as_str()).collect();
    let small = |path: &str| {
        let png = crate::images::thumbnail(&summary.folder.join(path)).ok()?;
        Some(Thumbnail { name: path.to_owned(), picture: picture::data_uri(&png) })
    };
    listed.into_iter().filter_map(small).collect()
}

/// What a side computes: a graph is read, whatever it calls itself.
fn computed(subject: &Subject) -> Option<Network> {
    let read = || subject.graph().ok()?.import(None).ok().map(|imported| imported.network);
    if subject.is_graph() { read().or_else(|| subject.network().cloned()) } else { subject.network().cloned() }
}

/// The weights of the first convolution.
fn filters(subject: &Subject, network: Option<&Network>) -> Option<Array> {
    let network = network.or(subject.network())?;
    let first = network.layers.iter().find(|layer| matches!(layer.op, Op::Conv2d(_)))?;
    let parameters = subject.parameters(Some(network)).ok()?;
    let weights = parameters.get(&format!("{}.weight", first.name))?;
    Array::new(weights.shape().to_vec(), weights.to_f32().ok()?).ok()
}

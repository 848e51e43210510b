//! Nets of the first two generations in the terms of the third, as Caffe's `upgrade_proto.cpp` has it.

mod v0;

use super::blob::Blob;
use super::fields::Fields;
use super::net::{Layer, Net};
use crate::{Error, Result};

/// The types of the second generation by number.
const V1_TYPES: [&str; 40] = [
    "",
    "Accuracy",
    "BNLL",
    "Concat",
    "Convolution",
    "Data",
    "Dropout",
    "EuclideanLoss",
    "Flatten",
    "HDF5Data",
    "HDF5Output",
    "Im2col",
    "ImageData",
    "InfogainLoss",
    "InnerProduct",
    "LRN",
    "MultinomialLogisticLoss",
    "Pooling",
    "ReLU",
    "Sigmoid",
    "Softmax",
    "SoftmaxWithLoss",
    "Split",
    "TanH",
    "WindowData",
    "Eltwise",
    "Power",
    "SigmoidCrossEntropyLoss",
    "HingeLoss",
    "MemoryData",
    "ArgMax",
    "Threshold",
    "DummyData",
    "Slice",
    "MVN",
    "AbsVal",
    "Silence",
    "ContrastiveLoss",
    "Exp",
    "Deconvolution",
];

/// A net from `NetParameter`.
///
/// Errs where it mixes generations, which Caffe refuses too.
pub(super) fn net(net: &Fields) -> Result<Net> {
    let old: Vec<&Fields> = net.messages("layers").collect();
    let oldest = old.iter().filter(|layer| layer.has("layer")).count();
    if (!old.is_empty() && net.has("layer")) || (oldest > 0 && oldest != old.len()) {
        return Err(Error::malformed("a net of both old and new layers (`layer` and `layers`)"));
    }
    let layers: Vec<Layer> = if oldest > 0 {
        v0::layers(&old)?
    } else if !old.is_empty() {
        old.into_iter().map(v1).collect()
    } else {
        net.messages("layer").map(newest).collect()
    };
    let state = net.message("state");
    Ok(Net {
        name: net.text("name").filter(|name| !name.is_empty()).map(str::to_owned),
        inputs: inputs(net)?,
        layers,
        stages: state.texts("stage").map(str::to_owned).collect(),
        level: state.int("level").unwrap_or(0),
        notes: Vec::new(),
    })
}

fn newest(layer: &Fields) -> Layer {
    let shared = layer.messages("param").map(|spec| spec.text("name").unwrap_or_default());
    let shared = shared.map(str::to_owned).collect();
    connected(layer, layer, layer.text("type").unwrap_or_default(), shared)
}

fn v1(layer: &Fields) -> Layer {
    let kind = layer.int("type").and_then(|number| V1_TYPES.get(usize::try_from(number).ok()?));
    connected(layer, layer, kind.copied().unwrap_or_default(), layer.texts("param").map(str::to_owned).collect())
}

/// A layer whose connections are in one message and whose name and weights are in another.
fn connected(connection: &Fields, layer: &Fields, kind: &str, shared: Vec<String>) -> Layer {
    Layer {
        name: layer.text("name").unwrap_or_default().to_owned(),
        kind: kind.to_owned(),
        bottoms: connection.texts("bottom").map(str::to_owned).collect(),
        tops: connection.texts("top").map(str::to_owned).collect(),
        blobs: layer.blobs("blobs").cloned().collect::<Vec<Blob>>(),
        shared,
        params: layer.clone(),
    }
}

/// The inputs that older nets declare at their top.
fn inputs(net: &Fields) -> Result<Vec<(String, Option<Vec<i64>>)>> {
    let names: Vec<&str> = net.texts("input").collect();
    let shapes: Vec<Vec<i64>> = net.messages("input_shape").map(|shape| shape.ints("dim").collect()).collect();
    let dims: Vec<i64> = net.ints("input_dim").collect();
    let shapes = match (shapes.is_empty(), dims.is_empty()) {
        (true, true) => return Ok(names.into_iter().map(|name| (name.to_owned(), None)).collect()),
        (false, _) => shapes,
        (true, false) => dims.chunks(4).map(<[i64]>::to_vec).collect(),
    };
    if shapes.len() != names.len() || (!dims.is_empty() && dims.len().checked_div(4) != Some(names.len())) {
        return Err(Error::malformed(format!("{} inputs, but dimensions for {}", names.len(), shapes.len())));
    }
    Ok(names.into_iter().map(str::to_owned).zip(shapes.into_iter().map(Some)).collect())
}

#[cfg(test)]
mod tests;

//! caffe-tensorflow (`ethereon/caffe-tensorflow`): Caffe's AlexNets as a dictionary of layers in one `.npy`. The older tool has
//! a list `[W, b]` for each layer (the well-known `bvlc_alexnet.npy`), the newer a dictionary `{"weights", "biases"}`; whoever
//! trains on writes a TensorFlow checkpoint of the same names.
//!
//! Kernels are HWIO, with the groups one after the other along O; fc6's rows are those of a map flattened as height, width,
//! channel. Whether norm comes before pool isn't in the file.

use super::{Candidates, Dialect, Origin};
use crate::Transform;
use crate::import::Place;

const NAME: &str = "caffe-tensorflow";

/// `{"conv1": [W, b]}`
pub(super) const LISTS: Dialect = Dialect {
    name: NAME,
    about: "caffe-tensorflow's .npy of lists [W, b]: Caffe's AlexNet or CaffeNet with HWIO kernels",
    origin: |parameter| origin(parameter, "0", "1"),
    candidates: |place| candidates(place, "conv1.0"),
};

/// `{"conv1": {"weights": W, "biases": b}}`
pub(super) const DICTIONARIES: Dialect = Dialect {
    name: NAME,
    about: "caffe-tensorflow's .npy of {weights, biases}: Caffe's AlexNet or CaffeNet with HWIO kernels",
    origin: |parameter| origin(parameter, "weights", "biases"),
    candidates: |place| candidates(place, "conv1.weights"),
};

/// `{"conv1/weights": W, "conv1/biases": b}`
pub(super) const VARIABLES: Dialect = Dialect {
    name: NAME,
    about: "caffe-tensorflow's variables, as its networks are saved: conv1/weights to fc8/biases, with matrices",
    origin: |parameter| {
        let Origin { sources, transform } = origin(parameter, "weights", "biases")?;
        Some(Origin { sources: sources.iter().map(|name| name.replace('.', "/")).collect(), transform })
    },
    // TF-slim writes the same names with kernels in place of the matrices.
    candidates: |place| {
        let fc6 = place.get("fc6/weights").is_none_or(|fc6| fc6.tensor.shape().len() == 2);
        candidates(place, "conv1/weights").filter(|_| fc6)
    },
};

fn origin(parameter: &str, weight: &str, bias: &str) -> Option<Origin> {
    let (layer, role) = parameter.split_once('.')?;
    let (role, transform) = match role {
        "weight" => (weight, super::from_tensorflow(layer)),
        "bias" => (bias, Transform::Identity),
        _ => return None,
    };
    Some(Origin { sources: vec![format!("{layer}.{role}")], transform })
}

fn candidates(place: &Place<'_>, conv1: &str) -> Option<Candidates> {
    let kernel = place.get(conv1)?.tensor.shape();
    let others = &["bvlc", "caffenet"];
    matches!(kernel, [11, 11, 3, _]).then_some(Candidates { likely: None, guessed: None, others })
}

//! TF-slim's `alexnet_v2` (google-research/tf-slim, `nets/alexnet.py`): kernels row, column, input, output, and convolutions in
//! place of the fully connected layers, of which the first sees 5x5 pixels.

use super::{Candidates, Dialect, Origin};
use crate::Transform;

pub(super) const DIALECT: Dialect = Dialect {
    name: "slim",
    about: "TF-slim's alexnet_v2: conv1/weights to fc8/biases, all of them convolutions",
    origin: |parameter| {
        let (layer, role) = parameter.split_once('.')?;
        let kernel = Transform::Permute(vec![3, 2, 0, 1]);
        let (role, transform) = match role {
            "weight" if layer.starts_with("fc") => ("weights", Transform::Chain(vec![kernel, Transform::Flatten])),
            "weight" => ("weights", kernel),
            "bias" => ("biases", Transform::Identity),
            _ => return None,
        };
        Some(Origin { sources: vec![format!("{layer}/{role}")], transform })
    },
    // Others write the same names with matrices in place of the last three kernels.
    candidates: |place| {
        let fc6 = place.get("fc6/weights")?;
        (fc6.tensor.shape().len() == 4).then_some(Candidates::only("slim"))
    },
};

//! VISSL's trunk `alexnet_bvlc`: the convolutions of Caffe's networks as `_feature_blocks`, without a classifier, and fed with
//! RGB, not Caffe's BGR. Of its other AlexNets none is one of ours: jigsaw's conv1 has a stride of 2, RotNet's and colorization's have batch norm, and of
//! DeepCluster's the sobel filter is taken out.

use super::{Candidates, Dialect, Origin, renamed};
use crate::Transform;

const MODULES: [(&str, &str); 5] = [
    ("conv1", "_feature_blocks.0.0"),
    ("conv2", "_feature_blocks.2.0"),
    ("conv3", "_feature_blocks.4.0"),
    ("conv4", "_feature_blocks.5.0"),
    ("conv5", "_feature_blocks.6.0"),
];

pub(super) const DIALECT: Dialect = Dialect {
    name: "vissl",
    about: "VISSL's alexnet_bvlc: the features of Caffe's networks, _feature_blocks.0.0 to _feature_blocks.6.0",
    origin,
    candidates: |place| {
        // Batch norm after conv3 is in each of the others.
        let has_batch_norm = place.get("_feature_blocks.4.1.weight").is_some();
        (!has_batch_norm).then_some(Candidates {
            likely: Some("bvlc"),
            guessed: Some("VISSL's own code normalises before the pool, but the weights it publishes are named after CaffeNet, which pools first"),
            others: &["caffenet"],
        })
    },
};

fn origin(parameter: &str) -> Option<Origin> {
    let origin = renamed(&MODULES, parameter)?;
    match parameter {
        "conv1.weight" => Some(Origin { transform: Transform::SwapInputChannels, ..origin }),
        _ => Some(origin),
    }
}

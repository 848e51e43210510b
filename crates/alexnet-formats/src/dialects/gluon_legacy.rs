//! Gluon's model zoo as `save_params` of MXNet 0.12 to 1.2 and `HybridBlock.export` spell it: layers numbered by kind, with
//! the block's own prefix taken off (`alexnet0_conv0_weight`).

use super::{Candidates, Dialect, underscored};

const LAYERS: [(&str, &str); 8] = [
    ("conv1", "conv0"),
    ("conv2", "conv1"),
    ("conv3", "conv2"),
    ("conv4", "conv3"),
    ("conv5", "conv4"),
    ("fc6", "dense0"),
    ("fc7", "dense1"),
    ("fc8", "dense2"),
];

pub(super) const DIALECT: Dialect = Dialect {
    name: "gluon-legacy",
    about: "Gluon's model zoo before structural names: torchvision's network with conv0_weight to dense2_bias",
    origin: |parameter| underscored(&LAYERS, parameter),
    candidates: |place| place.get("dense2_weight").map(|_| Candidates::only("torchvision")),
};

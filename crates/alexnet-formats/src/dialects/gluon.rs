//! Gluon's model zoo (`mxnet.gluon.model_zoo.vision.alexnet`) as `save_parameters` spells it: by the structure of the block.
//! The network is torchvision's.

use super::{Candidates, Dialect, renamed};

const MODULES: [(&str, &str); 8] = [
    ("conv1", "features.0"),
    ("conv2", "features.2"),
    ("conv3", "features.4"),
    ("conv4", "features.5"),
    ("conv5", "features.6"),
    ("fc6", "features.9"),
    ("fc7", "features.11"),
    ("fc8", "output"),
];

pub(super) const DIALECT: Dialect = Dialect {
    name: "gluon",
    about: "Gluon's model zoo: torchvision's network with features.0 to features.11 and output",
    origin: |parameter| renamed(&MODULES, parameter),
    // VGG's and others' features of the same numbers have no layer of this name after them.
    candidates: |place| place.get("output.weight").map(|_| Candidates::only("torchvision")),
};

//! Cadene's `pretrained-models.pytorch`: torchvision's weights under other names.

use super::{Candidates, Dialect, renamed};

const MODULES: [(&str, &str); 8] = [
    ("conv1", "_features.0"),
    ("conv2", "_features.3"),
    ("conv3", "_features.6"),
    ("conv4", "_features.8"),
    ("conv5", "_features.10"),
    ("fc6", "linear0"),
    ("fc7", "linear1"),
    ("fc8", "last_linear"),
];

pub(super) const DIALECT: Dialect = Dialect {
    name: "cadene",
    about: "Cadene/pretrained-models.pytorch: torchvision's network with _features.N, linear0, linear1, last_linear",
    origin: |parameter| renamed(&MODULES, parameter),
    candidates: |_| Some(Candidates::only("torchvision")),
};

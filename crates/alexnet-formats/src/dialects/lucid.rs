//! Lucid's (ChanLumerico/lucid, huggingface.co/lucid-dl/alexnet): torchvision's network and weights, its classifier under
//! other names.

use super::{Candidates, Dialect, renamed};

const MODULES: [(&str, &str); 8] = [
    ("conv1", "features.0"),
    ("conv2", "features.3"),
    ("conv3", "features.6"),
    ("conv4", "features.8"),
    ("conv5", "features.10"),
    ("fc6", "fc6"),
    ("fc7", "fc7"),
    ("fc8", "classifier"),
];

pub(super) const DIALECT: Dialect = Dialect {
    name: "lucid",
    about: "lucid-dl/alexnet: torchvision's network with features.0 to features.10, fc6, fc7 and classifier",
    origin: |parameter| renamed(&MODULES, parameter),
    // Without its classifier it can't be told from torchvision's, and is.
    candidates: |place| {
        ["fc6.weight", "classifier.weight"]
            .iter()
            .all(|name| place.get(name).is_some())
            .then_some(Candidates::only("torchvision"))
    },
};

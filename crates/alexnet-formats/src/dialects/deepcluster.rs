//! DeepCluster's AlexNet with its sobel filter, which the checkpoint holds as two convolutions. The last layer, `top_layer`,
//! gives clusters or, after a fine-tune, classes.

use super::{Candidates, Dialect, renamed};

const MODULES: [(&str, &str); 15] = [
    ("gray", "sobel.0"),
    ("sobel", "sobel.1"),
    ("conv1", "features.0"),
    ("norm1", "features.1"),
    ("conv2", "features.4"),
    ("norm2", "features.5"),
    ("conv3", "features.8"),
    ("norm3", "features.9"),
    ("conv4", "features.11"),
    ("norm4", "features.12"),
    ("conv5", "features.14"),
    ("norm5", "features.15"),
    ("fc6", "classifier.1"),
    ("fc7", "classifier.4"),
    ("fc8", "top_layer"),
];

pub(super) const DIALECT: Dialect = Dialect {
    name: "deepcluster",
    about: "DeepCluster's AlexNet: sobel.0 and sobel.1, features.0 to features.15, classifier.1, classifier.4, top_layer",
    origin: |parameter| renamed(&MODULES, parameter),
    candidates: |place| place.get("sobel.1.weight").map(|_| Candidates::only("deepcluster")),
};

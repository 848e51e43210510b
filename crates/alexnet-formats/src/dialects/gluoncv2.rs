//! gluoncv2's (imgclsmob's) networks, pytorchcv's in Gluon, as `save_parameters` spells them.

use super::{Candidates, Dialect, renamed};

const MODULES: [(&str, &str); 8] = [
    ("conv1", "features.0.0.conv"),
    ("conv2", "features.1.0.conv"),
    ("conv3", "features.2.0.conv"),
    ("conv4", "features.2.1.conv"),
    ("conv5", "features.2.2.conv"),
    ("fc6", "output.1.fc1.fc"),
    ("fc7", "output.1.fc2.fc"),
    ("fc8", "output.1.fc3"),
];

pub(super) const DIALECT: Dialect = Dialect {
    name: "gluoncv2",
    about: "gluoncv2's alexnet and alexnetb: features.0.0.conv to output.1.fc3",
    origin: |parameter| renamed(&MODULES, parameter),
    candidates: |_| {
        Some(Candidates { likely: None, guessed: None, others: &["pytorchcv-alexnet", "pytorchcv-alexnetb"] })
    },
};

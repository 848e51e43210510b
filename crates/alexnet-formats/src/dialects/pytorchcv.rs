//! pytorchcv's (imgclsmob's) two networks. `alexnet` and `alexnetb` spell their parameters alike and differ in the widths of
//! the convolutions.

use super::{Candidates, Dialect, renamed};

const MODULES: [(&str, &str); 8] = [
    ("conv1", "features.stage1.unit1.conv"),
    ("conv2", "features.stage2.unit1.conv"),
    ("conv3", "features.stage3.unit1.conv"),
    ("conv4", "features.stage3.unit2.conv"),
    ("conv5", "features.stage3.unit3.conv"),
    ("fc6", "output.fc1.fc"),
    ("fc7", "output.fc2.fc"),
    ("fc8", "output.fc3"),
];

pub(super) const DIALECT: Dialect = Dialect {
    name: "pytorchcv",
    about: "pytorchcv's alexnet and alexnetb: features.stage1.unit1.conv to output.fc3",
    origin: |parameter| renamed(&MODULES, parameter),
    candidates: |_| {
        Some(Candidates { likely: None, guessed: None, others: &["pytorchcv-alexnet", "pytorchcv-alexnetb"] })
    },
};

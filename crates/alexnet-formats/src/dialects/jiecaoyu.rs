//! jiecaoyu's `pytorch_imagenet` (also the AlexNet of CDAN, DANN and XNOR-Net): Caffe's AlexNet, groups included, trained in
//! PyTorch on BGR images. Its `Sequential` is conv, ReLU, LRN, pool, but LRN and pool have no parameters, so the names would
//! be the same the other way round.

use super::{Candidates, Dialect, renamed};

const MODULES: [(&str, &str); 8] = [
    ("conv1", "features.0"),
    ("conv2", "features.4"),
    ("conv3", "features.8"),
    ("conv4", "features.10"),
    ("conv5", "features.12"),
    ("fc6", "classifier.0"),
    ("fc7", "classifier.3"),
    ("fc8", "classifier.6"),
];

pub(super) const DIALECT: Dialect = Dialect {
    name: "jiecaoyu",
    about: "jiecaoyu/pytorch_imagenet: the Caffe release's AlexNet in PyTorch, features.0 to classifier.6 with groups",
    origin: |parameter| renamed(&MODULES, parameter),
    candidates: |_| {
        Some(Candidates {
            likely: Some("bvlc"),
            guessed: Some(
                "names and shapes are the same whether norm comes before or after the pool; this repository normalises first",
            ),
            others: &["caffenet"],
        })
    },
};

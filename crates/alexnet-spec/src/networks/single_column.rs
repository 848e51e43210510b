use super::{classifier, conv, relu};
use crate::layers::{LocalResponseNorm, MaxPool2d};
use crate::{Input, Labels, Layer, Network, Preprocessing};

/// The 2012 network in one column, as most re-implementations have it: 96-256-384-384-256 without groups, conv1 padded by
/// 2 and the others "same", so that 224 becomes 55, 27, 13 and 6; norm k = 2 with the paper's undivided alpha.
pub(super) fn network() -> Network {
    let norm = || LocalResponseNorm::undivided(5, 1e-4, 0.75, 2.0);
    let pool = MaxPool2d::overlapping;
    let mut layers = vec![
        conv("conv1", 96, 11, 4, 2, 1),
        relu("relu1"),
        Layer::new("norm1", norm()),
        Layer::new("pool1", pool()),
        conv("conv2", 256, 5, 1, 2, 1),
        relu("relu2"),
        Layer::new("norm2", norm()),
        Layer::new("pool2", pool()),
        conv("conv3", 384, 3, 1, 1, 1),
        relu("relu3"),
        conv("conv4", 384, 3, 1, 1, 1),
        relu("relu4"),
        conv("conv5", 256, 3, 1, 1, 1),
        relu("relu5"),
        Layer::new("pool5", pool()),
    ];
    layers.extend(classifier());
    Network {
        name: "single-column".into(),
        description: "The 2012 widths in one ungrouped column, with response normalisation".into(),
        input: Input { channels: 3, height: 224, width: 224 },
        preprocessing: Preprocessing::torchvision(),
        labels: Labels::Wnid,
        layers,
    }
}

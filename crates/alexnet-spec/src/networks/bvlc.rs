use super::{classifier, conv, relu};
use crate::layers::{LocalResponseNorm, MaxPool2d};
use crate::{Input, Labels, Layer, Network, Preprocessing};

/// The AlexNet of the Caffe release (`bvlc_alexnet`): the 2012 widths with groups, normalised **before** the pool, k = 1,
/// alpha divided by size, 227x227 BGR input.
pub(super) fn network() -> Network {
    let norm = LocalResponseNorm { size: 5, alpha: 1e-4, beta: 0.75, k: 1.0, groups: 1 };
    let pool = || MaxPool2d::overlapping().rounded_up();
    let mut layers = vec![
        conv("conv1", 96, 11, 4, 0, 1),
        relu("relu1"),
        Layer::new("norm1", norm.clone()),
        Layer::new("pool1", pool()),
        conv("conv2", 256, 5, 1, 2, 2),
        relu("relu2"),
        Layer::new("norm2", norm),
        Layer::new("pool2", pool()),
        conv("conv3", 384, 3, 1, 1, 1),
        relu("relu3"),
        conv("conv4", 384, 3, 1, 1, 2),
        relu("relu4"),
        conv("conv5", 256, 3, 1, 1, 2),
        relu("relu5"),
        Layer::new("pool5", pool()),
    ];
    layers.extend(classifier());
    Network {
        name: "bvlc".into(),
        description: "bvlc_alexnet of the Caffe release: two groups, conv-ReLU-norm-pool".into(),
        input: Input { channels: 3, height: 227, width: 227 },
        preprocessing: Preprocessing::caffe(),
        labels: Labels::Wnid,
        layers,
    }
}

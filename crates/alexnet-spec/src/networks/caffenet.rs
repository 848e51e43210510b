use super::{classifier, conv, relu};
use crate::layers::{LocalResponseNorm, MaxPool2d};
use crate::{Input, Labels, Layer, Network, Preprocessing};

/// CaffeNet (`bvlc_reference_caffenet`): as the Caffe release's AlexNet, but it pools **before** it normalises.
///
/// Names and shapes of its parameters are those of `bvlc`: only the order of the layers tells them apart.
pub(super) fn network() -> Network {
    let norm = LocalResponseNorm { size: 5, alpha: 1e-4, beta: 0.75, k: 1.0, groups: 1 };
    let pool = || MaxPool2d::overlapping().rounded_up();
    let mut layers = vec![
        conv("conv1", 96, 11, 4, 0, 1),
        relu("relu1"),
        Layer::new("pool1", pool()),
        Layer::new("norm1", norm.clone()),
        conv("conv2", 256, 5, 1, 2, 2),
        relu("relu2"),
        Layer::new("pool2", pool()),
        Layer::new("norm2", norm),
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
        name: "caffenet".into(),
        description: "bvlc_reference_caffenet of the Caffe release: two groups, conv-ReLU-pool-norm".into(),
        input: Input { channels: 3, height: 227, width: 227 },
        preprocessing: Preprocessing::caffe(),
        labels: Labels::Wnid,
        layers,
    }
}

use crate::layers::MaxPool2d;
use crate::{Network, Op};

/// pytorchcv's (imgclsmob's) `alexnetb`: torchvision's network with pools that round up, which at 224 pixels changes
/// nothing.
pub(super) fn network() -> Network {
    let mut network = super::torchvision::network();
    for layer in network.layers.iter_mut().filter(|layer| matches!(layer.op, Op::MaxPool2d(_))) {
        layer.op = MaxPool2d::overlapping().rounded_up().into();
    }
    network.layers.retain(|layer| !matches!(layer.op, Op::AdaptiveAvgPool2d(_)));
    network.name = "pytorchcv-alexnetb".into();
    network.description = "pytorchcv's alexnetb: torchvision's column with pools that round up".into();
    network
}

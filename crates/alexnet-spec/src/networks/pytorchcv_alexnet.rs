use super::conv;
use crate::layers::{LocalResponseNorm, MaxPool2d};
use crate::{Network, Op};

/// pytorchcv's (imgclsmob's) `alexnet`: one ungrouped column at 224 pixels, conv1 without padding, pools rounded up, so
/// that 224 becomes 54, 27, 13 and 6; k = 2 with alpha divided by the window, as PyTorch's norm does.
pub(super) fn network() -> Network {
    let mut network = super::single_column::network();
    for layer in &mut network.layers {
        match &layer.op {
            Op::MaxPool2d(_) => layer.op = MaxPool2d::overlapping().rounded_up().into(),
            Op::Conv2d(_) if layer.name == "conv1" => *layer = conv("conv1", 96, 11, 4, 0, 1),
            Op::LocalResponseNorm(norm) => layer.op = LocalResponseNorm { alpha: 1e-4, ..norm.clone() }.into(),
            _ => {}
        }
    }
    network.name = "pytorchcv-alexnet".into();
    network.description = "pytorchcv's alexnet: one ungrouped column, pools rounded up, k=2 with divided alpha".into();
    network
}

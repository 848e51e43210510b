use super::conv;
use crate::layers::MaxPool2d;
use crate::{Input, Network, Op, Preprocessing};

/// Chainer's ImageNet example (`examples/imagenet/alex.py`): one ungrouped column of the 2012 widths at 227 pixels, conv1
/// without padding; k = 2 with undivided alpha, pools rounded up (`cover_all`).
pub(super) fn network() -> Network {
    let mut network = super::single_column::network();
    for layer in &mut network.layers {
        match &layer.op {
            Op::MaxPool2d(_) => layer.op = MaxPool2d::overlapping().rounded_up().into(),
            Op::Conv2d(_) if layer.name == "conv1" => *layer = conv("conv1", 96, 11, 4, 0, 1),
            _ => {}
        }
    }
    network.name = "chainer".into();
    network.description = "Chainer's example Alex: one ungrouped column at 227 pixels, k=2 with undivided alpha".into();
    network.input = Input { channels: 3, height: 227, width: 227 };
    // `train_imagenet.py` scales the image to 0..1 after it has subtracted the mean.
    network.preprocessing = Preprocessing { std: vec![255.0; 3], ..Preprocessing::krizhevsky() };
    network
}

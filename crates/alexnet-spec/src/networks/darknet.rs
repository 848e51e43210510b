use super::conv;
use crate::{Input, Interpolation, Labels, Mean, Network, Op, PixelRange, Preprocessing, Resize};

/// Darknet's `alexnet.cfg` as it is since September 2016: one ungrouped column at 227 pixels, without any normalisation;
/// pixels from 0 to 1 without a mean; classes in the development kit's order.
pub(super) fn network() -> Network {
    let mut network = super::single_column::network();
    network.layers.retain(|layer| !matches!(layer.op, Op::LocalResponseNorm(_)));
    for layer in network.layers.iter_mut().filter(|layer| layer.name == "conv1") {
        *layer = conv("conv1", 96, 11, 4, 0, 1);
    }
    network.name = "darknet".into();
    network.description = "Darknet's alexnet.cfg: one ungrouped column at 227 pixels, no normalisation".into();
    network.input = Input { channels: 3, height: 227, width: 227 };
    network.preprocessing = Preprocessing {
        range: PixelRange::Unit,
        mean: Mean::PerChannel(vec![0.0; 3]),
        std: vec![1.0; 3],
        resize: Resize::ShortSide { size: 227, interpolation: Interpolation::Bilinear },
        ..Preprocessing::torchvision()
    };
    network.labels = Labels::Devkit;
    network
}

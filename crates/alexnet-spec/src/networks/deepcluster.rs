use super::conv;
use crate::layers::BatchNorm2d;
use crate::{Network, Op};

/// DeepCluster's AlexNet (Caron et al., 2018): a fixed grey and sobel filter, then one ungrouped column with batch norm
/// after each convolution and before its ReLU.
pub(super) fn network() -> Network {
    let mut network = super::single_column::network();
    network.layers.retain(|layer| !matches!(layer.op, Op::LocalResponseNorm(_)));
    let column = std::mem::take(&mut network.layers);
    network.layers = vec![conv("gray", 1, 1, 1, 0, 1), conv("sobel", 2, 3, 1, 1, 1)];
    for layer in column {
        let number = layer.name.strip_prefix("conv").map(str::to_owned);
        network.layers.push(layer);
        if let Some(number) = number {
            network.layers.push(crate::Layer::new(format!("norm{number}"), BatchNorm2d { eps: 1e-5 }));
        }
    }
    network.name = "deepcluster".into();
    network.description = "DeepCluster's AlexNet: sobel filter, then one ungrouped column with batch norm".into();
    network
}

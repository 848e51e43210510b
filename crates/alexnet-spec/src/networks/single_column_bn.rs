use crate::layers::BatchNorm2d;
use crate::{Network, Op};

/// The single column with batch normalisation (Ioffe and Szegedy, 2015) in place of each response normalisation.
pub(super) fn network() -> Network {
    let mut network = super::single_column::network();
    for layer in &mut network.layers {
        if matches!(layer.op, Op::LocalResponseNorm(_)) {
            layer.op = BatchNorm2d { eps: 1e-5 }.into();
        }
    }
    network.name = "single-column-bn".into();
    network.description = "The 2012 widths in one ungrouped column, with batch normalisation".into();
    network
}

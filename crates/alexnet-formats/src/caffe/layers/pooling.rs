use super::refused;
use super::sizes::{KERNEL, PAD, STRIDE, pair};
use crate::caffe::graph::Builder;
use crate::caffe::net::Layer;
use crate::{Error, Result};
use alexnet_spec::layers::{AdaptiveAvgPool2d, MaxPool2d, Rounding};

const AVERAGE: i64 = 1;
const FLOOR: i64 = 1;

/// `Pooling`: sizes are rounded up unless `round_mode` says otherwise, and a last window that would begin in the padding is
/// left out, as in ours.
pub(super) fn transcribe<'n>(builder: &mut Builder<'n>, layer: &'n Layer) -> Result<()> {
    let param = layer.params.message("pooling_param");
    let global = param.bool("global_pooling").unwrap_or(false);
    let input = builder.only(layer)?;
    match param.int("pool").unwrap_or(0) {
        0 => {}
        AVERAGE if global => return builder.layer(layer, &input, AdaptiveAvgPool2d { output: [1, 1] }, Vec::new()),
        AVERAGE => return Err(refused("pool", "AVE with windows")),
        _ => return Err(refused("pool", "STOCHASTIC")),
    }
    let rounding = match param.int("round_mode") {
        Some(FLOOR) => Rounding::Floor,
        _ => Rounding::Ceil,
    };
    if global {
        let Some(kernel) = input.extent.size else {
            return Err(Error::refused("it pools the whole map, whose size the net doesn't say")
                .with_remedy("--prototxt FILE with the deployed net, which gives its input's dimensions"));
        };
        let pool = MaxPool2d { kernel, stride: [1, 1], pads: [0; 4], rounding };
        return builder.layer(layer, &input, pool, Vec::new());
    }
    let (kernel, stride) = (pair(param, &KERNEL, None)?, pair(param, &STRIDE, Some(1))?);
    let [top, left] = pair(param, &PAD, Some(0))?;
    if stride.iter().zip(&kernel).any(|(stride, kernel)| stride > kernel) {
        // Without padding, Caffe lets the last window begin beyond the map and calls its maximum -FLT_MAX.
        return Err(refused("stride", "larger than its window"));
    }
    let pool = MaxPool2d { kernel, stride, pads: [top, left, top, left], rounding };
    builder.layer(layer, &input, pool, Vec::new())
}

use super::refused;
use super::sizes::{KERNEL, PAD, STRIDE, pair};
use crate::caffe::graph::Builder;
use crate::caffe::net::Layer;
use crate::{Error, Result};
use alexnet_spec::layers::Conv2d;

/// `Convolution`: the output's size is rounded down; weights are `[out, in / group, height, width]` and correlate, as ours.
pub(super) fn transcribe<'n>(builder: &mut Builder<'n>, layer: &'n Layer) -> Result<()> {
    let param = layer.params.message("convolution_param");
    if let Some(dilation) = param.sizes("dilation")?.into_iter().find(|dilation| *dilation != 1) {
        return Err(refused("dilation", dilation));
    }
    if let Some(axis) = param.int("axis").filter(|axis| *axis != 1) {
        return Err(refused("axis", axis));
    }
    let (out, groups) = (param.size("num_output", 0)?, param.size("group", 1)?);
    let [top, left] = pair(param, &PAD, Some(0))?;
    let kernel @ [height, width] = pair(param, &KERNEL, None)?;
    let conv = Conv2d { out, kernel, stride: pair(param, &STRIDE, Some(1))?, pads: [top, left, top, left], groups };
    let input = builder.only(layer)?;
    let inputs = match input.extent.channels.and_then(|channels| channels.checked_div(groups)) {
        Some(inputs) => inputs,
        // Nothing before it says how many channels it reads: its weights do.
        None => match builder.blob(layer, 0)?.1.shape() {
            [_, inputs, _, _] => *inputs,
            shape => return Err(Error::refused(format!("its weight is {shape:?}, which is no kernel"))),
        },
    };
    let mut operands = vec![builder.operand(layer, 0, "weight", &[out, inputs, height, width])?];
    if param.bool("bias_term").unwrap_or(true) {
        operands.push(builder.operand(layer, 1, "bias", &[out])?);
    }
    builder.layer(layer, &input, conv, operands)
}

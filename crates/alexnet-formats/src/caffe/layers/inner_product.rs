use super::refused;
use crate::Result;
use crate::caffe::graph::Builder;
use crate::caffe::net::Layer;
use alexnet_spec::Transform;
use alexnet_spec::layers::{Flatten, Linear};

/// `InnerProduct`: reads maps as vectors of channel, row, column. Its weights are `[out, in]`, or `[in, out]` with
/// `transpose`.
pub(super) fn transcribe<'n>(builder: &mut Builder<'n>, layer: &'n Layer) -> Result<()> {
    let param = layer.params.message("inner_product_param");
    if let Some(axis) = param.int("axis").filter(|axis| *axis != 1) {
        return Err(refused("axis", axis));
    }
    let out = param.size("num_output", 0)?;
    let mut input = builder.only(layer)?;
    let inputs = match input.extent.elements() {
        Some(inputs) => inputs,
        None => builder.blob(layer, 0)?.1.elements().checked_div(out).unwrap_or(0),
    };
    let transposed = param.bool("transpose").unwrap_or(false);
    let shape = if transposed { [inputs, out] } else { [out, inputs] };
    let mut weight = builder.operand(layer, 0, "weight", &shape)?;
    if transposed {
        weight.transform = Transform::Transpose;
    }
    let mut operands = vec![weight];
    if param.bool("bias_term").unwrap_or(true) {
        operands.push(builder.operand(layer, 1, "bias", &[out])?);
    }
    if !input.extent.flat {
        input = builder.step(format!("{}/flatten", layer.name), &input, Flatten {}, Vec::new())?;
    }
    builder.layer(layer, &input, Linear { out }, operands)
}

use super::refused;
use crate::caffe::graph::Builder;
use crate::caffe::net::Layer;
use crate::{Error, Result};
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
    let elements = builder.blob(layer, 0)?.1.elements();
    let Some(inputs) = elements.checked_div(out).filter(|inputs| inputs.checked_mul(out) == Some(elements)) else {
        return Err(Error::refused(format!("its {elements} weights are none of {out} outputs")));
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
    let mut input = builder.only(layer)?;
    if !input.extent.flat {
        input = builder.step(format!("{}/flatten", layer.name), &input, Flatten {}, Vec::new())?;
    }
    builder.layer(layer, &input, Linear { out }, operands)
}

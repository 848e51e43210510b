use super::{Lowering, Node};
use crate::Result;
use crate::lower::window::{Window, convolve, map};

/// Kept, with every attribute written out: `auto_pad` and two different strides aren't taken by candle-onnx.
pub(super) fn lower(lowering: &mut Lowering, node: &Node) -> Result<()> {
    let inputs = node.inputs(2, 3)?;
    let known = lowering.operand(node, inputs[0])?;
    let [n, channels, height, width] = map(node, &known.shape)?;
    let weights = lowering.operand(node, inputs[1])?;
    let [out, slice, kernel_height, kernel_width] = map(node, &weights.shape)?;
    let group = node.int("group")?.unwrap_or(1);
    let group =
        usize::try_from(group).ok().filter(|g| *g > 0).ok_or_else(|| node.malformed(format!("has {group} groups")))?;
    if slice.checked_mul(group) != Some(channels) || out % group != 0 || out == 0 {
        let weights = &weights.shape;
        return Err(node.malformed(format!("{group} groups of weights {weights:?} don't fit {channels} channels")));
    }
    if let Some(bias) = inputs.get(2) {
        let bias = lowering.operand(node, bias)?;
        if bias.shape != [out] || bias.dtype != known.dtype {
            return Err(node.malformed(format!("its bias has shape {:?} for {out} channels", bias.shape)));
        }
    }
    if weights.dtype != known.dtype {
        return Err(node.malformed("its weights are of another type than its input"));
    }
    let window = Window::read(node, Some([kernel_height, kernel_width]), [height, width])?;
    let shape = [n, out, window.full(node, 0, height)?, window.full(node, 1, width)?];
    let inputs: Vec<String> = inputs.into_iter().map(str::to_owned).collect();
    convolve(lowering, node, (&inputs, group), &window, shape, (node.output()?, known.dtype))
}

use super::{Lowering, Made, Node, identity};
use crate::graph::data_type;
use crate::{Result, tensor};
use alexnet_spec::DType;

/// Between floating point types, where a cast to bf16 rounds nothing (see `Lowered::widened`), and of integer constants.
pub(super) fn lower(lowering: &mut Lowering, node: &Node) -> Result<()> {
    node.ignore(&["saturate", "round_mode"]);
    let input = node.inputs(1, 1)?[0];
    let number = node.int("to")?.and_then(|to| i32::try_from(to).ok()).unwrap_or_default();
    let to = tensor::dtype(number).ok_or_else(|| node.unsupported(format!("it casts to element type {number}")))?;
    let to = lowering.computed_in(to);
    let known = lowering.get(input)?.clone();
    if known.dtype == to {
        return identity::pass(lowering, node, input);
    }
    if let (Some(values), DType::I64 | DType::I32) = (lowering.ints(input)?, to) {
        return lowering.define_ints(node.output()?, known.shape, &values);
    }
    lowering.operand(node, input)?;
    if !matches!(to, DType::F32 | DType::F16) {
        return Err(node.unsupported(format!("it casts {} to {to}", known.dtype)));
    }
    let made = Made::new("Cast", [input]).int("to", data_type(to) as i64);
    lowering.emit(node, made, node.output()?, known.shape, to)
}

use super::{Lowering, Made, Node};
use crate::Result;

pub(super) fn lower(lowering: &mut Lowering, node: &Node) -> Result<()> {
    pass(lowering, node, node.inputs(1, 1)?[0])
}

/// The node's output is its input: a constant stays one, anything else becomes an `Identity`.
pub(super) fn pass(lowering: &mut Lowering, node: &Node, input: &str) -> Result<()> {
    if let Some(tensor) = lowering.get(input)?.constant.clone() {
        lowering.define(node.output()?, tensor);
        return Ok(());
    }
    let known = lowering.operand(node, input)?;
    lowering.emit(node, Made::new("Identity", [input]), node.output()?, known.shape, known.dtype)
}

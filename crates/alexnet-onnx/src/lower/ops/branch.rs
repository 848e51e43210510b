use super::{Lowering, Node, identity};
use crate::lower::lower_nodes;
use crate::{Result, tensor};
use alexnet_spec::DType;

/// An `If` whose condition is known beforehand, which PyTorch's exporter asks about shapes: its branch takes its place.
pub(super) fn lower(lowering: &mut Lowering, node: &Node) -> Result<()> {
    let condition = lowering.get(node.inputs(1, 1)?[0])?.constant.clone();
    let condition = condition.filter(|flag| flag.dtype() == DType::Bool && flag.elements() == 1);
    let condition = condition.ok_or_else(|| node.unsupported("its condition isn't one constant"))?;
    let (then, otherwise) = (node.graph("then_branch")?, node.graph("else_branch")?);
    let branch = if condition.to_bytes().first() == Some(&0) { otherwise } else { then };
    for initializer in &branch.initializer {
        let place = format!("initializer `{}`", initializer.name().escape_debug());
        lowering.define(initializer.name(), tensor::inline(&place, initializer.clone())?);
    }
    lower_nodes(lowering, &branch.node, node.opset)?;
    let (1, [inner]) = (node.outputs().count(), branch.output.as_slice()) else {
        return Err(node.unsupported("has several outputs; only one is taken"));
    };
    identity::pass(lowering, node, inner.name())
}

use super::{Lowering, Node, reshape};
use crate::Result;

/// A `Reshape` to a matrix: candle-onnx takes no negative axis.
pub(super) fn lower(lowering: &mut Lowering, node: &Node) -> Result<()> {
    let data = node.inputs(1, 1)?[0];
    let shape = lowering.get(data)?.shape.clone();
    let at = node.int("axis")?.unwrap_or(1);
    // The axis may be the rank itself: all dimensions go before it.
    let axis = if at == shape.len() as i64 { shape.len() } else { super::axis(node, at, shape.len())? };
    let (first, second) = shape.split_at(axis);
    reshape::to(lowering, node, data, vec![first.iter().product(), second.iter().product()])
}

use super::{Lowering, Made, Node, axis};
use crate::Result;

/// In f32, along one axis that is written out.
///
/// Before opset 13 all axes from `axis` on are taken together: the same, where those after it have one element.
pub(super) fn lower(lowering: &mut Lowering, node: &Node) -> Result<()> {
    along(lowering, node, |wide, axis| Made::new("Softmax", [wide]).int("axis", axis))
}

/// What `made` makes of the input in f32 and the axis.
pub(super) fn along(lowering: &mut Lowering, node: &Node, made: impl Fn(String, i64) -> Made) -> Result<()> {
    let input = node.inputs(1, 1)?[0];
    let known = lowering.operand(node, input)?;
    let default = if node.opset < 13 { 1 } else { -1 };
    let axis = axis(node, node.int("axis")?.unwrap_or(default), known.shape.len())?;
    if node.opset < 13 && known.shape.iter().skip(axis + 1).any(|d| *d != 1) {
        let shape = &known.shape;
        let opset = node.opset;
        return Err(
            node.unsupported(format!("takes all axes of {shape:?} from {axis} on together, as opset {opset} has it"))
        );
    }
    let wide = lowering.widen(node, input)?;
    lowering.emit_narrowed(node, made(wide, axis as i64), node.output()?, known.shape, known.dtype)
}

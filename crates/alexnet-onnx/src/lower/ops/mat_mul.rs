use super::{Lowering, Made, Node, broadcast};
use crate::Result;

pub(super) fn lower(lowering: &mut Lowering, node: &Node) -> Result<()> {
    let inputs = node.inputs(2, 2)?;
    let a = lowering.operand(node, inputs[0])?;
    let b = lowering.operand(node, inputs[1])?;
    let mismatch = || node.malformed(format!("{:?} and {:?} don't multiply", a.shape, b.shape));
    let (Some((batch, [rows, inner])), Some((other, [depth, columns]))) =
        (a.shape.split_last_chunk::<2>(), b.shape.split_last_chunk::<2>())
    else {
        return Err(node.unsupported(format!("{:?} and {:?} aren't both matrices", a.shape, b.shape)));
    };
    if inner != depth || a.dtype != b.dtype {
        return Err(mismatch());
    }
    let mut shape = broadcast(node, batch, other)?;
    shape.extend([*rows, *columns]);
    lowering.emit(node, Made::new("MatMul", inputs), node.output()?, shape, a.dtype)
}

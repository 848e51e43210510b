use super::{Lowering, Made, Node};
use crate::Result;
use crate::lower::window::map;

/// An `AveragePool` whose window is the map.
pub(super) fn lower(lowering: &mut Lowering, node: &Node) -> Result<()> {
    let input = node.inputs(1, 1)?[0];
    let known = lowering.operand(node, input)?;
    let [n, channels, height, width] = map(node, &known.shape)?;
    let made = Made::new("AveragePool", [input]).ints("kernel_shape", &[height, width]).ints("strides", &[1, 1]);
    lowering.emit(node, made, node.output()?, vec![n, channels, 1, 1], known.dtype)
}

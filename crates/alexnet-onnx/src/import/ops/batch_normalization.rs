use super::{Node, Reader, decimal};
use crate::Result;
use alexnet_spec::Transform;
use alexnet_spec::layers::BatchNorm2d;

pub(super) fn read(reader: &mut Reader, node: &Node) -> Result<()> {
    let map = reader.channels_first(node, node.input(0)?)?;
    let mut operands = Vec::new();
    for (index, role) in [(1, "weight"), (2, "bias"), (3, "running_mean"), (4, "running_var")] {
        operands.push(reader.needed(node, node.input(index)?)?.operand(role, Transform::Identity));
    }
    let eps = node.float("epsilon")?.map_or(1e-5, decimal);
    reader.emit(node, node.output()?, &[map], BatchNorm2d { eps }, operands)
}

use super::{Node, Reader};
use crate::Result;
use alexnet_spec::Transform;
use alexnet_spec::layers::Linear;

/// A linear layer whose bias, if it has one, an `Add` brings.
pub(super) fn read(reader: &mut Reader, node: &Node) -> Result<()> {
    let map = reader.channels_first(node, node.input(0)?)?;
    let weight = reader.needed(node, node.input(1)?)?;
    let (rank, shape) = (reader.shape(node.input(0)?)?.len(), weight.tensor.shape());
    let ([_, out], 2) = (shape, rank) else {
        return Err(node
            .unsupported(format!("it multiplies a value of {rank} axes by {shape:?}; a linear layer takes a vector")));
    };
    let out = *out;
    reader.emit(node, node.output()?, &[map], Linear { out }, vec![weight.operand("weight", Transform::Transpose)])
}

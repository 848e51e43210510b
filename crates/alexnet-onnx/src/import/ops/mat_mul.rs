use super::{Held, Node, Reader};
use crate::Result;
use crate::import::averages::{Rows, positions};
use alexnet_spec::Transform;
use alexnet_spec::layers::{AdaptiveAvgPool2d, Linear};

/// A linear layer whose bias, if it has one, an `Add` brings; or one of the two products of an adaptive pool.
pub(super) fn read(reader: &mut Reader, node: &Node) -> Result<()> {
    let (a, b) = (node.input(0)?, node.input(1)?);
    if reader.constant(a).is_some() {
        return rows(reader, node, a, b);
    }
    let weight = reader.needed(node, b)?;
    if let Held::Rows(rows) = reader.held(node, a)? {
        let size = reader.shape(a)?.last().copied().unwrap_or_default();
        let columns = positions(&weight.tensor, size, true)?.ok_or_else(|| refused(node))?;
        let map = reader.take_first(node, rows.of)?;
        let pool = AdaptiveAvgPool2d { output: [rows.count, columns] };
        return reader.emit(node, node.output()?, &[map], pool, Vec::new());
    }
    let map = reader.channels_first(node, a)?;
    let (rank, shape) = (reader.shape(a)?.len(), weight.tensor.shape());
    let (&[_, out], 2) = (shape, rank) else {
        let message = format!("it multiplies a value of {rank} axes by {shape:?}; a linear layer takes a vector");
        return Err(node.unsupported(message));
    };
    reader.emit(node, node.output()?, &[map], Linear { out }, vec![weight.operand("weight", Transform::Transpose)])
}

/// A matrix on the left, which averages the rows of a map.
fn rows(reader: &mut Reader, node: &Node, matrix: &str, value: &str) -> Result<()> {
    let matrix = reader.needed(node, matrix)?.tensor;
    let map = reader.channels_first(node, value)?;
    let &[_, _, height, _] = reader.shape(value)? else { return Err(refused(node)) };
    let count = positions(&matrix, height, false)?.ok_or_else(|| refused(node))?;
    reader.set(node, Held::Rows(Rows { of: map, count }))
}

fn refused(node: &Node) -> crate::Error {
    node.unsupported("it multiplies by a constant matrix, but neither as a linear layer nor as an adaptive pool does")
}

use super::{Held, Node, Reader, decimal};
use crate::Result;
use crate::import::norm::Squares;

/// The square, or the power, of a response norm.
pub(super) fn read(reader: &mut Reader, node: &Node) -> Result<()> {
    let power = reader.scalar(node.input(1)?)?.map(decimal);
    let raised = match (reader.held(node, node.input(0)?)?, power) {
        (Held::Map(map), Some(2.0)) => Some(Squares::of(map)),
        (Held::Squares(squares), Some(power)) => squares.raised(power),
        _ => None,
    };
    let raised = raised.ok_or_else(|| node.unsupported("it raises to a power, but not as a response norm does"))?;
    reader.set(node, Held::Squares(raised))
}

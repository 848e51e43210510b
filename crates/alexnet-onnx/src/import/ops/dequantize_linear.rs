use super::{Node, Reader, identity};
use crate::Result;

/// The way back from `QuantizeLinear`, with the same step and zero point: anything else would change the features. Constants
/// are multiplied out before.
pub(super) fn read(reader: &mut Reader, node: &Node) -> Result<()> {
    reader.unround(node)?;
    identity::read(reader, node)
}

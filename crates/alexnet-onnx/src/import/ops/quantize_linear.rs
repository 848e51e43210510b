use super::{Node, Reader, identity};
use crate::Result;

/// Nothing but a loss of digits, where the network is asked for as it was before.
pub(super) fn read(reader: &mut Reader, node: &Node) -> Result<()> {
    reader.round(node)?;
    identity::read(reader, node)
}

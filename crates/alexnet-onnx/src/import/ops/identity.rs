use super::{Node, Reader};
use crate::Result;

/// The same value under another name.
pub(super) fn read(reader: &mut Reader, node: &Node) -> Result<()> {
    let held = reader.held(node, node.input(0)?)?;
    reader.set(node, held)
}

use super::{Node, Reader, relu};
use crate::Result;

/// From zero up without an end, a ReLU: lowering refuses every other bound.
pub(super) fn read(reader: &mut Reader, node: &Node) -> Result<()> {
    relu::read(reader, node)
}

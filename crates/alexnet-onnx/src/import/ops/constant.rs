use super::{Node, Reader};
use crate::Result;

/// An operator that is only read where the walk before has folded its result into a constant.
pub(super) fn read(_: &mut Reader, node: &Node) -> Result<()> {
    Err(node.unsupported("its result depends on the image, which no layer of AlexNet's says so"))
}

use super::{Held, Node, Reader};
use crate::Result;

/// A response norm whose power is a half.
pub(super) fn read(reader: &mut Reader, node: &Node) -> Result<()> {
    let root = match reader.held(node, node.input(0)?)? {
        Held::Squares(squares) => squares.raised(0.5),
        Held::Map(_) | Held::Rows(_) => None,
    };
    let root = root.ok_or_else(|| node.unsupported("it takes a root, but not as a response norm does"))?;
    reader.set(node, Held::Squares(root))
}

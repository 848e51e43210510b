use super::{Node, Reader, softmax};
use crate::Result;

/// At the end of a graph: what goes in are the logits.
pub(super) fn read(reader: &mut Reader, node: &Node) -> Result<()> {
    softmax::classes(reader, node)?;
    let map = reader.whole(node, node.input(0)?)?;
    if !reader.is_final(node.output()?) {
        return Err(node.unsupported("something follows the log softmax, which only ends a network"));
    }
    reader.note("the graph ends in a log softmax, which is left out: the network gives logits".into());
    reader.hold(node.output()?, map);
    Ok(())
}

use super::{Node, Reader};
use crate::Result;

/// An `If` whose condition is known: lowering has seen to that.
pub(super) fn read<'m>(reader: &mut Reader<'m>, node: &Node<'m>) -> Result<()> {
    let condition = reader.needed(node, node.input(0)?)?.tensor.to_bytes();
    let branch = node.graph(if condition.first() == Some(&0) { "else_branch" } else { "then_branch" })?;
    reader.walk(&branch.node)?;
    let inner = branch.output.first().map(|output| output.name()).unwrap_or_default();
    let held = reader.held(node, inner)?;
    reader.set(node, held)
}

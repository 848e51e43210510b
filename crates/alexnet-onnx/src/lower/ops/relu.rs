use super::{Lowering, Node};
use crate::Result;

pub(super) fn lower(lowering: &mut Lowering, node: &Node) -> Result<()> {
    if node.opset < 6 {
        node.ignore(&["consumed_inputs"]);
    }
    super::elementwise(lowering, node)
}

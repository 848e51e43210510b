use super::{Lowering, Made, Node, softmax};
use crate::Result;

/// In f32, along one axis that is written out.
pub(super) fn lower(lowering: &mut Lowering, node: &Node) -> Result<()> {
    softmax::along(lowering, node, |wide, axis| Made::new("LogSoftmax", [wide]).int("axis", axis))
}

use super::{Lowering, Node, identity};
use crate::Result;

/// The identity at test time. Up to opset 6 a node says whether it is one; from opset 12 on an input may say the
/// opposite. A mask that something reads is refused with every other further output.
pub(super) fn lower(lowering: &mut Lowering, node: &Node) -> Result<()> {
    node.ignore(&["ratio", "seed"]);
    if node.opset < 7 {
        node.ignore(&["consumed_inputs"]);
        if node.int("is_test")?.unwrap_or(0) == 0 {
            return Err(node.unsupported("it drops at random (is_test is 0): export the model for inference"));
        }
    }
    if let Some(training) = node.optional(2) {
        let off = match &lowering.get(training)?.constant {
            Some(flag) => flag.to_bytes().iter().all(|byte| *byte == 0),
            None => false,
        };
        if !off {
            return Err(node.unsupported("its training_mode isn't known to be off: export the model for inference"));
        }
    }
    identity::pass(lowering, node, node.input(0)?)
}

use super::{Lowering, Node};
use crate::Result;

/// The batch is known, so every shape is a constant.
pub(super) fn lower(lowering: &mut Lowering, node: &Node) -> Result<()> {
    let shape = lowering.get(node.inputs(1, 1)?[0])?.shape.clone();
    let rank = shape.len() as i64;
    // Both ends are clamped, and count from the end where they are negative.
    let bound = |at: i64| (if at < 0 { at.saturating_add(rank) } else { at }).clamp(0, rank) as usize;
    let start = bound(node.int("start")?.unwrap_or(0));
    let end = bound(node.int("end")?.unwrap_or(rank));
    let dims: Vec<i64> = shape.iter().take(end).skip(start).map(|d| *d as i64).collect();
    lowering.define_ints(node.output()?, vec![dims.len()], &dims)
}

use super::{Lowering, Node, axis, reshape};
use crate::Result;

pub(super) fn lower(lowering: &mut Lowering, node: &Node) -> Result<()> {
    let data = node.input(0)?;
    let shape = lowering.get(data)?.shape.clone();
    let axes = match (node.ints("axes")?, node.optional(1)) {
        (Some(axes), _) => axes.to_vec(),
        (None, Some(name)) => lowering.needed_ints(node, name)?,
        (None, None) => return Err(node.malformed("has no axes")),
    };
    let rank = shape.len() + axes.len();
    let new = axes.iter().map(|at| axis(node, *at, rank)).collect::<Result<std::collections::BTreeSet<_>>>()?;
    if new.len() != axes.len() {
        return Err(node.malformed(format!("inserts an axis twice: {axes:?}")));
    }
    let mut old = shape.into_iter();
    let grown = (0..rank).map(|i| if new.contains(&i) { 1 } else { old.next().unwrap_or(1) }).collect();
    reshape::to(lowering, node, data, grown)
}

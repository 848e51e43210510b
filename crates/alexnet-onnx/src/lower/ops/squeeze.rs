use super::{Lowering, Node, axis, reshape};
use crate::Result;

pub(super) fn lower(lowering: &mut Lowering, node: &Node) -> Result<()> {
    let data = node.input(0)?;
    let shape = lowering.get(data)?.shape.clone();
    let axes = match (node.ints("axes")?, node.optional(1)) {
        (Some(axes), _) => Some(axes.to_vec()),
        (None, Some(name)) => Some(lowering.needed_ints(node, name)?),
        (None, None) => None,
    };
    let gone = match axes {
        Some(axes) => axes.iter().map(|at| axis(node, *at, shape.len())).collect::<Result<Vec<_>>>()?,
        None => (0..shape.len()).filter(|i| shape.get(*i) == Some(&1)).collect(),
    };
    if let Some(at) = gone.iter().find(|at| shape.get(**at) != Some(&1)) {
        return Err(node.malformed(format!("squeezes axis {at} of {shape:?}, which isn't 1")));
    }
    let kept = shape.iter().enumerate().filter(|(i, _)| !gone.contains(i)).map(|(_, d)| *d).collect();
    reshape::to(lowering, node, data, kept)
}

use super::{Lowering, Made, Node, axis};
use crate::Result;

/// Over axes that are written out; exporters say global pooling so.
pub(super) fn lower(lowering: &mut Lowering, node: &Node) -> Result<()> {
    let input = node.input(0)?;
    let known = lowering.operand(node, input)?;
    let rank = known.shape.len();
    let axes = match (node.ints("axes")?, node.optional(1)) {
        (Some(axes), _) => axes.to_vec(),
        (None, Some(name)) => lowering.needed_ints(node, name)?,
        (None, None) => Vec::new(),
    };
    let keep = node.int("keepdims")?.unwrap_or(1) != 0;
    let nothing = node.int("noop_with_empty_axes")?.unwrap_or(0) != 0;
    if axes.is_empty() && nothing {
        return super::identity::pass(lowering, node, input);
    }
    let mut axes = axes.iter().map(|at| axis(node, *at, rank)).collect::<Result<Vec<_>>>()?;
    if axes.is_empty() {
        axes = (0..rank).collect();
    }
    let gone = |i: &usize| axes.contains(i);
    let shape = known.shape.iter().enumerate();
    let shape = shape.filter(|(i, _)| keep || !gone(i)).map(|(i, d)| if gone(&i) { 1 } else { *d }).collect();
    let wide = lowering.widen(node, input)?;
    let made = Made::new("ReduceMean", [wide]).ints("axes", &axes).int("keepdims", keep.into());
    lowering.emit_narrowed(node, made, node.output()?, shape, known.dtype)
}

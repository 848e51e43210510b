use super::{Lowering, Node, axis};
use crate::Result;
use crate::lower::window;

/// One `Gather` for each part: how the two towers of 2012 are written without groups.
pub(super) fn lower(lowering: &mut Lowering, node: &Node) -> Result<()> {
    let data = node.input(0)?;
    let shape = lowering.get(data)?.shape.clone();
    let axis = axis(node, node.int("axis")?.unwrap_or(0), shape.len())?;
    let size = shape.get(axis).copied().unwrap_or(0);
    let parts = node.outputs().count();
    let sizes = match (node.ints("split")?, node.optional(1)) {
        (Some(_), Some(_)) => return Err(node.malformed("has its sizes twice")),
        (Some(sizes), None) => Some(sizes.to_vec()),
        (None, Some(name)) => Some(lowering.needed_ints(node, name)?),
        (None, None) => None,
    };
    if node.int("num_outputs")?.is_some_and(|count| count != parts as i64) {
        return Err(node.malformed(format!("num_outputs isn't its {parts} outputs")));
    }
    // Equal parts, of which the last may be smaller from opset 18 on.
    let each = size.div_ceil(parts.max(1));
    if sizes.is_none() && node.opset < 18 && size % parts.max(1) != 0 {
        return Err(node.malformed(format!("{size} positions don't split into {parts} equal parts")));
    }
    let sizes = sizes.unwrap_or_else(|| {
        (0..parts).map(|part| size.saturating_sub(part.saturating_mul(each)).min(each) as i64).collect()
    });
    if sizes.len() != parts
        || sizes.iter().try_fold(0i64, |sum, s| sum.checked_add(*s).filter(|_| *s > 0)) != Some(size as i64)
    {
        return Err(node.malformed(format!("sizes {sizes:?} don't split {size} positions into {parts}")));
    }
    let mut start = 0;
    for (output, length) in node.outputs().zip(&sizes) {
        let end = start + *length as usize;
        if !output.is_empty() {
            window::gather(lowering, node, data, axis, (start..end).collect(), Some(output))?;
        }
        start = end;
    }
    Ok(())
}

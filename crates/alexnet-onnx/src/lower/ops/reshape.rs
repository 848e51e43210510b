use super::{Lowering, Node};
use crate::Result;

/// The target is written out, without -1 and 0.
pub(super) fn lower(lowering: &mut Lowering, node: &Node) -> Result<()> {
    let data = node.input(0)?;
    let target = if node.opset < 5 {
        node.ignore(&["consumed_inputs"]);
        node.ints("shape")?.map(<[i64]>::to_vec).ok_or_else(|| node.malformed("has no shape"))?
    } else {
        lowering.needed_ints(node, node.input(1)?)?
    };
    let literal = node.int("allowzero")?.unwrap_or(0) == 1;
    let shape = lowering.get(data)?.shape.clone();
    let mismatch = || node.malformed(format!("{shape:?} can't become {target:?}"));
    let elements: usize = shape.iter().product();
    let mut resolved = Vec::with_capacity(target.len());
    let mut open = None;
    for (index, size) in target.iter().enumerate() {
        resolved.push(match size {
            -1 if open.is_none() => {
                open = Some(index);
                1
            }
            0 if !literal => *shape.get(index).ok_or_else(mismatch)?,
            size => usize::try_from(*size).map_err(|_| mismatch())?,
        });
    }
    let known = resolved.iter().try_fold(1usize, |n, d| n.checked_mul(*d)).ok_or_else(mismatch)?;
    if let Some(rest) = open.and_then(|index| resolved.get_mut(index)) {
        *rest = elements.checked_div(known).ok_or_else(mismatch)?;
    }
    if resolved.iter().try_fold(1usize, |n, d| n.checked_mul(*d)) != Some(elements) {
        return Err(mismatch());
    }
    to(lowering, node, data, resolved)
}

/// `data` in a shape of the same size; a constant stays one.
pub(super) fn to(lowering: &mut Lowering, node: &Node, data: &str, shape: Vec<usize>) -> Result<()> {
    if let Some(tensor) = lowering.get(data)?.constant.clone() {
        if !tensor.is_contiguous() {
            lowering.copy(tensor.elements().saturating_mul(tensor.dtype().size()))?;
        }
        lowering.define(node.output()?, tensor.reshape(&shape)?);
        return Ok(());
    }
    lowering.emit_reshape(node, data, node.output()?, shape)
}

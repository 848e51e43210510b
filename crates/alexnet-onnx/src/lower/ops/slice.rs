use super::{Lowering, Node, axis, take};
use crate::Result;
use crate::lower::window;

/// At constant positions, as one `Gather` for each sliced axis.
pub(super) fn lower(lowering: &mut Lowering, node: &Node) -> Result<()> {
    let data = node.input(0)?;
    let shape = lowering.get(data)?.shape.clone();
    let mut taken = taken(lowering, node, &shape)?;
    if let Some(mut values) = lowering.ints(data)? {
        let mut shape = shape;
        for (axis, positions) in &taken {
            values = take(&values, &shape, *axis, positions);
            if let Some(size) = shape.get_mut(*axis) {
                *size = positions.len();
            }
        }
        return lowering.define_ints(node.output()?, shape, &values);
    }
    taken.retain(|(axis, positions)| {
        let size = shape.get(*axis).copied().unwrap_or(0);
        positions.len() != size || !positions.iter().copied().eq(0..size)
    });
    let Some((last, first)) = taken.split_last() else { return super::identity::pass(lowering, node, data) };
    if taken.iter().any(|(_, positions)| positions.is_empty()) {
        return Err(node.unsupported("its output is empty"));
    }
    let mut value = data.to_owned();
    for (axis, positions) in first {
        value = window::gather(lowering, node, &value, *axis, positions.clone(), None)?;
    }
    window::gather(lowering, node, &value, last.0, last.1.clone(), Some(node.output()?))?;
    Ok(())
}

/// The axes of a value of `shape` that a slice names, each with the positions that it takes.
pub(crate) fn taken(lowering: &Lowering, node: &Node, shape: &[usize]) -> Result<Vec<(usize, Vec<usize>)>> {
    let (starts, ends, axes, steps) = if node.opset < 10 {
        let need = |values: Option<&[i64]>, name| {
            values.map(<[i64]>::to_vec).ok_or_else(|| node.malformed(format!("has no attribute `{name}`")))
        };
        let starts = need(node.ints("starts")?, "starts")?;
        (starts, need(node.ints("ends")?, "ends")?, node.ints("axes")?.map(<[i64]>::to_vec), None)
    } else {
        let optional = |index| node.optional(index).map(|name| lowering.needed_ints(node, name)).transpose();
        let starts = lowering.needed_ints(node, node.input(1)?)?;
        (starts, lowering.needed_ints(node, node.input(2)?)?, optional(3)?, optional(4)?)
    };
    let axes = axes.unwrap_or_else(|| (0..starts.len() as i64).collect());
    let steps = steps.unwrap_or_else(|| vec![1; starts.len()]);
    if starts.len() != ends.len() || starts.len() != axes.len() || starts.len() != steps.len() {
        return Err(node.malformed("starts, ends, axes and steps differ in number"));
    }
    let mut taken: Vec<(usize, Vec<usize>)> = Vec::new();
    for (((start, end), at), step) in starts.iter().zip(&ends).zip(&axes).zip(&steps) {
        let at = axis(node, *at, shape.len())?;
        if taken.iter().any(|(axis, _)| *axis == at) {
            return Err(node.malformed(format!("slices axis {at} twice")));
        }
        let size = shape.get(at).copied().unwrap_or(0);
        taken.push((at, positions(*start, *end, *step, size).ok_or_else(|| node.malformed("has a step of 0"))?));
    }
    Ok(taken)
}

/// The positions that a slice takes of an axis; `None` for a step of zero. Ends are clamped as the operator has it.
fn positions(start: i64, end: i64, step: i64, size: usize) -> Option<Vec<usize>> {
    let size = size as i64;
    let wrap = |at: i64| if at < 0 { at.saturating_add(size) } else { at };
    let (low, high) = if step > 0 { (0, size) } else { (-1, size - 1) };
    let start = wrap(start).clamp(low.max(0), high);
    let end = wrap(end).clamp(low, high);
    match step {
        0 => None,
        1.. => Some((start..end).step_by(usize::try_from(step).unwrap_or(usize::MAX)).map(|at| at as usize).collect()),
        _ => {
            let step = usize::try_from(step.unsigned_abs()).unwrap_or(usize::MAX);
            Some((end + 1..=start).rev().step_by(step).map(|at| at as usize).collect())
        }
    }
}

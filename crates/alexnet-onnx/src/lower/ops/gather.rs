use super::{Lowering, Node, axis, constant_elements, take};
use crate::Result;
use crate::lower::window;

/// Of constant integers (an exporter's shape arithmetic), or of any value at a constant vector of indices.
pub(super) fn lower(lowering: &mut Lowering, node: &Node) -> Result<()> {
    let inputs = node.inputs(2, 2)?;
    let (data, indices) = (inputs[0], inputs[1]);
    let shape = lowering.get(data)?.shape.clone();
    let index_shape = lowering.get(indices)?.shape.clone();
    let axis = axis(node, node.int("axis")?.unwrap_or(0), shape.len())?;
    let size = shape.get(axis).copied().unwrap_or(0) as i64;
    let positions = lowering.needed_ints(node, indices)?;
    let positions = positions
        .iter()
        .map(|at| Some(if *at < 0 { at + size } else { *at }).filter(|at| (0..size).contains(at)).map(|at| at as usize))
        .collect::<Option<Vec<_>>>()
        .ok_or_else(|| node.malformed(format!("indices {positions:?} reach outside an axis of {size}")))?;
    if let Some(values) = lowering.ints(data)? {
        let (before, after) = shape.split_at(axis);
        let output = [before, &index_shape, after.get(1..).unwrap_or_default()].concat();
        constant_elements(node, &output)?;
        let taken = take(&values, &shape, axis, &positions);
        return lowering.define_ints(node.output()?, output, &taken);
    }
    if index_shape.len() != 1 {
        return Err(node.unsupported(format!("its indices have shape {index_shape:?}; only a vector is taken")));
    }
    window::gather(lowering, node, data, axis, positions, Some(node.output()?))?;
    Ok(())
}

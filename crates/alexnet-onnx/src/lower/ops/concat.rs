use super::{Lowering, Made, Node, axis, constant_elements};
use crate::Result;

pub(super) fn lower(lowering: &mut Lowering, node: &Node) -> Result<()> {
    let inputs = node.inputs(1, 1 << 12)?;
    let mut shape = lowering.get(inputs[0])?.shape.clone();
    let default = (node.opset < 4).then_some(1);
    let at = node.int("axis")?.or(default).ok_or_else(|| node.malformed("has no axis"))?;
    let axis = axis(node, at, shape.len())?;
    let mut total = 0usize;
    for input in &inputs {
        let other = &lowering.get(input)?.shape;
        let fits =
            other.len() == shape.len() && other.iter().zip(&shape).enumerate().all(|(i, (a, b))| i == axis || a == b);
        if !fits {
            return Err(node.malformed(format!("shapes {shape:?} and {other:?} don't join along axis {axis}")));
        }
        total = total.saturating_add(other.get(axis).copied().unwrap_or(0));
    }
    if let Some(size) = shape.get_mut(axis) {
        *size = total;
    }
    let integers = inputs.iter().map(|input| Ok(lowering.get(input)?.dtype)).collect::<Result<Vec<_>>>()?;
    if integers.iter().all(|dtype| !dtype.is_float()) {
        constant_elements(node, &shape)?;
    }
    let ints = inputs.iter().map(|input| lowering.ints(input)).collect::<Result<Option<Vec<_>>>>()?;
    if let (Some(ints), [_]) = (ints, shape.as_slice()) {
        return lowering.define_ints(node.output()?, shape.clone(), &ints.concat());
    }
    let dtype = lowering.operand(node, inputs[0])?.dtype;
    for input in &inputs {
        if lowering.operand(node, input)?.dtype != dtype {
            return Err(node.malformed("joins values of different types"));
        }
    }
    let made = Made::new("Concat", inputs).int("axis", axis as i64);
    lowering.emit(node, made, node.output()?, shape, dtype)
}

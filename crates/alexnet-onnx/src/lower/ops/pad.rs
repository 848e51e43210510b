use super::{Lowering, Made, Node, constant_elements, identity};
use crate::Result;

/// By joining blocks of the padding value to both ends of each axis: candle-onnx pads only by reflection.
pub(super) fn lower(lowering: &mut Lowering, node: &Node) -> Result<()> {
    let input = node.input(0)?;
    let known = lowering.operand(node, input)?;
    let rank = known.shape.len();
    match node.string("mode")?.unwrap_or("constant") {
        "constant" => {}
        mode => {
            return Err(node.unsupported(format!("its mode is `{}`; only constant is computed", mode.escape_debug())));
        }
    }
    if node.optional(3).is_some() {
        return Err(node.unsupported("it names its axes"));
    }
    let (pads, value) = if node.opset < 11 {
        let pads = node.ints("pads")?.ok_or_else(|| node.malformed("has no pads"))?;
        (pads.to_vec(), node.float("value")?.unwrap_or(0.0))
    } else {
        let value = match node.optional(2) {
            None => 0.0,
            Some(name) => {
                lowering.scalar(name)?.ok_or_else(|| node.unsupported("its value isn't one constant number"))?
            }
        };
        (lowering.needed_ints(node, node.input(1)?)?, value)
    };
    if pads.len() != 2 * rank || pads.iter().any(|pad| !(0..=1 << 16).contains(pad)) {
        return Err(
            node.unsupported(format!("pads {pads:?} aren't two numbers from 0 to 65536 for each of {rank} axes"))
        );
    }
    let (before, after) = pads.split_at(rank);
    let padded: Vec<usize> = (0..rank).filter(|axis| before[*axis] + after[*axis] > 0).collect();
    let Some(last) = padded.last().copied() else { return identity::pass(lowering, node, input) };
    let mut shape = known.shape;
    let mut name = input.to_owned();
    for axis in padded {
        let mut parts = Vec::new();
        for (what, pad) in [("before", before[axis] as usize), ("after", after[axis] as usize)] {
            if what == "after" {
                parts.push(name.clone());
            }
            if pad > 0 {
                let mut block = shape.clone();
                block[axis] = pad;
                let elements = constant_elements(node, &block)?;
                parts.push(lowering.floats(node, what, known.dtype, &block, &vec![value; elements])?);
            }
        }
        shape[axis] += (before[axis] + after[axis]) as usize;
        let made = Made::new("Concat", parts).int("axis", axis as i64);
        if axis == last {
            lowering.emit(node, made, node.output()?, shape.clone(), known.dtype)?;
        } else {
            name = lowering.emit_part(node, "padded", made, shape.clone(), known.dtype)?;
        }
    }
    Ok(())
}

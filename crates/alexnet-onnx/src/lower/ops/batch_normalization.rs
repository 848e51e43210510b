use super::{Lowering, Made, Node};
use crate::Result;

/// With running statistics, in f32 whatever the graph's type: in f16, the variance plus epsilon would lose either.
pub(super) fn lower(lowering: &mut Lowering, node: &Node) -> Result<()> {
    let inputs = node.inputs(5, 5)?;
    let test = match node.opset {
        ..7 => node.int("is_test")?.unwrap_or(0) != 0,
        _ => node.int("training_mode")?.unwrap_or(0) == 0,
    };
    if !test {
        return Err(node.unsupported("it takes the batch's own statistics: export the model for inference"));
    }
    if node.opset < 9 && node.int("spatial")?.unwrap_or(1) != 1 {
        return Err(node.unsupported("its statistics differ from pixel to pixel (spatial is 0)"));
    }
    node.ignore(&["momentum"]);
    if node.opset < 7 {
        node.ignore(&["consumed_inputs"]);
    }
    let known = lowering.operand(node, inputs[0])?;
    let channels = known.shape.get(1).copied().unwrap_or(0);
    let mut wide = vec![lowering.widen(node, inputs[0])?];
    for input in &inputs[1..] {
        let shape = &lowering.get(input)?.shape;
        if *shape != [channels] {
            return Err(node.malformed(format!("a parameter has shape {shape:?} for {channels} channels")));
        }
        wide.push(lowering.widen(node, input)?);
    }
    let mut made = Made::new("BatchNormalization", wide);
    if let Some(epsilon) = node.float("epsilon")? {
        made = made.float("epsilon", epsilon);
    }
    lowering.emit_narrowed(node, made, node.output()?, known.shape, known.dtype)
}

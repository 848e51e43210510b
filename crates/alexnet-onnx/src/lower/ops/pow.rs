use super::{Lowering, Made, Node};
use crate::Result;

/// With one constant exponent: for others, candle-onnx takes logarithms, which a negative base has none of.
pub(super) fn lower(lowering: &mut Lowering, node: &Node) -> Result<()> {
    let inputs = node.inputs(2, 2)?;
    if node.opset < 7 {
        node.ignore(&["broadcast"]);
    }
    let integer =
        lowering.ints(inputs[1])?.filter(|values| values.len() == 1).and_then(|values| values.first().copied());
    let exponent = match (lowering.scalar(inputs[1])?, integer) {
        (Some(exponent), _) => exponent,
        (None, Some(exponent)) => exponent as f32,
        (None, None) => return Err(node.unsupported("its exponent isn't one constant number")),
    };
    let known = lowering.operand(node, inputs[0])?;
    if lowering.get(inputs[1])?.shape.len() > known.shape.len() {
        return Err(node.unsupported("its exponent has more axes than its base"));
    }
    let exponent = lowering.floats(node, "exponent", known.dtype, &[], &[exponent])?;
    let made = Made::new("Pow", [inputs[0], &exponent]);
    lowering.emit(node, made, node.output()?, known.shape, known.dtype)
}

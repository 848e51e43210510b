use super::{Lowering, Made, Node};
use crate::Result;

/// From zero up without an end, which is how some exporters write a ReLU.
pub(super) fn lower(lowering: &mut Lowering, node: &Node) -> Result<()> {
    let input = node.input(0)?;
    let bound = |lowering: &Lowering, index: usize, name: &'static str| match node.opset {
        ..11 => node.float(name),
        _ => match node.optional(index) {
            None => Ok(None),
            Some(name) => {
                let computed =
                    || node.unsupported(format!("its bound `{}` isn't one constant number", name.escape_debug()));
                lowering.scalar(name)?.ok_or_else(computed).map(Some)
            }
        },
    };
    let (low, high) = (bound(lowering, 1, "min")?, bound(lowering, 2, "max")?);
    // Where both are written out, the largest number is no bound either.
    if low != Some(0.0) || high.is_some_and(|high| high < f32::MAX) {
        return Err(node.unsupported(format!("it clips to {low:?} and {high:?}; only a ReLU, from 0 on, is computed")));
    }
    let known = lowering.operand(node, input)?;
    lowering.emit(node, Made::new("Relu", [input]), node.output()?, known.shape, known.dtype)
}

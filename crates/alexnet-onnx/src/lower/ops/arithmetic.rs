use super::{Lowering, Made, Node, broadcast};
use crate::Result;

/// `Add`, `Sub`, `Mul` and `Div` with NumPy's broadcasting; of integers where both are constant.
pub(super) fn lower(lowering: &mut Lowering, node: &Node) -> Result<()> {
    let inputs = node.inputs(2, 2)?;
    let (a, b) = (inputs[0], inputs[1]);
    let shapes = (lowering.get(a)?.shape.clone(), lowering.get(b)?.shape.clone());
    if node.opset < 7 {
        // Before NumPy's rules, the second operand broadcast along an axis. Equal shapes mean the same under both.
        node.ignore(&["consumed_inputs", "broadcast"]);
        if shapes.0 != shapes.1 && !shapes.1.is_empty() {
            return Err(node.unsupported(format!("broadcasts as opset {} has it: try opset 7 or newer", node.opset)));
        }
    }
    let shape = broadcast(node, &shapes.0, &shapes.1)?;
    if let (Some(x), Some(y)) = (lowering.ints(a)?, lowering.ints(b)?) {
        return fold(lowering, node, shape, &x, &y);
    }
    let dtype = lowering.operand(node, a)?.dtype;
    if lowering.operand(node, b)?.dtype != dtype {
        return Err(node.malformed("its operands are of different types"));
    }
    let operator = match node.operator() {
        "Add" => "Add",
        "Sub" => "Sub",
        "Mul" => "Mul",
        _ => "Div",
    };
    lowering.emit(node, Made::new(operator, [a, b]), node.output()?, shape, dtype)
}

/// An exporter's shape arithmetic: vectors of equal length, or one number with each of a vector.
fn fold(lowering: &mut Lowering, node: &Node, shape: Vec<usize>, x: &[i64], y: &[i64]) -> Result<()> {
    if x.len() != y.len() && x.len() != 1 && y.len() != 1 {
        return Err(node.unsupported("broadcasts integers of several axes"));
    }
    let operator = node.operator();
    let pairs = (0..x.len().max(y.len()))
        .map(|i| {
            let (x, y) = (x.get(i).or(x.first())?, y.get(i).or(y.first())?);
            match operator {
                "Add" => x.checked_add(*y),
                "Sub" => x.checked_sub(*y),
                "Mul" => x.checked_mul(*y),
                _ => x.checked_div(*y),
            }
        })
        .collect::<Option<Vec<_>>>()
        .ok_or_else(|| node.malformed("its integers overflow or are divided by zero"))?;
    lowering.define_ints(node.output()?, shape, &pairs)
}

use super::{Lowering, Made, Node, broadcast};
use crate::Result;

/// As `Transpose`, `MatMul` and `Add`: candle-onnx's own `Gemm` takes single precision only, and always a third input.
pub(super) fn lower(lowering: &mut Lowering, node: &Node) -> Result<()> {
    let inputs = node.inputs(if node.opset < 11 { 3 } else { 2 }, 3)?;
    let alpha = node.float("alpha")?.unwrap_or(1.0);
    let beta = node.float("beta")?.unwrap_or(1.0);
    let broadcasts = node.opset >= 7 || node.int("broadcast")?.unwrap_or(0) != 0;
    let known = lowering.operand(node, inputs[0])?;
    let (a, rows, inner) = operand(lowering, node, inputs[0], "transA")?;
    let (b, other, columns) = operand(lowering, node, inputs[1], "transB")?;
    if inner != other || lowering.get(&b)?.dtype != known.dtype {
        return Err(node.malformed(format!("[{rows}, {inner}] and [{other}, {columns}] don't multiply")));
    }
    let shape = vec![rows, columns];
    let mut product = Made::new("MatMul", [a, b]);
    if alpha != 1.0 {
        let part = lowering.emit_part(node, "product", product, shape.clone(), known.dtype)?;
        let alpha = lowering.floats(node, "alpha", known.dtype, &[], &[alpha])?;
        product = Made::new("Mul", [part, alpha]);
    }
    let Some(c) = inputs.get(2).filter(|_| beta != 0.0) else {
        return lowering.emit(node, product, node.output()?, shape, known.dtype);
    };
    let added = lowering.operand(node, c)?;
    let fits = broadcast(node, &shape, &added.shape)? == shape && (broadcasts || added.shape == shape);
    if !fits || added.dtype != known.dtype {
        return Err(node.malformed(format!("{:?} isn't added to {shape:?}", added.shape)));
    }
    let mut term = (*c).to_owned();
    if beta != 1.0 {
        let beta = lowering.floats(node, "beta", known.dtype, &[], &[beta])?;
        term = lowering.emit_part(node, "term", Made::new("Mul", [term, beta]), added.shape, known.dtype)?;
    }
    let sum = lowering.emit_part(node, "sum", product, shape.clone(), known.dtype)?;
    lowering.emit(node, Made::new("Add", [sum, term]), node.output()?, shape, known.dtype)
}

/// A factor, transposed where `flag` says so: its name, rows and columns.
fn operand(lowering: &mut Lowering, node: &Node, name: &str, flag: &'static str) -> Result<(String, usize, usize)> {
    let known = lowering.operand(node, name)?;
    let [rows, columns] = *known.shape else {
        return Err(node.malformed(format!(
            "factor `{}` has shape {:?}; it must be a matrix",
            name.escape_debug(),
            known.shape
        )));
    };
    if node.int(flag)?.unwrap_or(0) == 0 {
        return Ok((name.to_owned(), rows, columns));
    }
    // Without `perm`, candle-onnx makes a view; with it, it would copy a hundred megabytes.
    let turned = lowering.emit_part(node, flag, Made::new("Transpose", [name]), vec![columns, rows], known.dtype)?;
    Ok((turned, columns, rows))
}

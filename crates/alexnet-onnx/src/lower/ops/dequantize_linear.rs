use super::{Lowering, Node, axis};
use crate::Result;
use alexnet_spec::{DType, Tensor};

/// `(x - zero point) * scale` of a constant: weights that are stored as integers, with one scale for all of them or one for
/// each position of an axis. Rounded once, as the operator is defined.
pub(super) fn lower(lowering: &mut Lowering, node: &Node) -> Result<()> {
    let names = node.inputs(2, 3)?;
    let (data, scale) = (constant(lowering, node, names[0])?, constant(lowering, node, names[1])?);
    let zero = names.get(2).map(|name| constant(lowering, node, name)).transpose()?;
    if node.int("block_size")?.unwrap_or(0) != 0 {
        return Err(node.unsupported("it has a scale for every block of weights: try a model with one a channel"));
    }
    node.ignore(&["output_dtype"]);
    let at = node.int("axis")?.unwrap_or(1);
    let scales = scale.to_f32()?;
    let shape = data.shape().to_vec();
    // One scale for all has no axis.
    let (size, inner) = match scales.len() {
        1 => (1, data.elements().max(1)),
        _ => {
            let at = axis(node, at, shape.len())?;
            (shape.get(at).copied().unwrap_or(1), shape.iter().skip(at + 1).product::<usize>().max(1))
        }
    };
    let zeros = match &zero {
        None => vec![0; scales.len()],
        Some(zero) => {
            integers(zero).ok_or_else(|| node.unsupported(format!("its zero point is of {}", zero.dtype())))?
        }
    };
    if scales.len() != size || zeros.len() != size || zero.is_some_and(|zero| zero.dtype() != data.dtype()) {
        let (scales, zeros) = (scales.len(), zeros.len());
        return Err(
            node.malformed(format!("{scales} scales and {zeros} zero points for {size} positions of {shape:?}"))
        );
    }
    let values = integers(&data).ok_or_else(|| node.unsupported(format!("it dequantises {}", data.dtype())))?;
    let mut bytes = Vec::with_capacity(values.len().saturating_mul(4));
    for (run, values) in values.chunks(inner).enumerate() {
        let (scale, zero) =
            (scales.get(run % size).copied().unwrap_or(1.0), zeros.get(run % size).copied().unwrap_or(0));
        for value in values {
            bytes.extend_from_slice(&(((f64::from(*value) - f64::from(zero)) * f64::from(scale)) as f32).to_le_bytes());
        }
    }
    let tensor = Tensor::new(DType::F32, shape, bytes.into())?;
    lowering.define(node.output()?, tensor);
    Ok(())
}

fn constant(lowering: &Lowering, node: &Node, name: &str) -> Result<Tensor> {
    lowering.get(name)?.constant.clone().ok_or_else(|| {
        node.unsupported(
            "it dequantises activations, which the graph rounds to integers: try the float model that it was made from",
        )
    })
}

/// The elements of a tensor of integers of up to 32 bits.
fn integers(tensor: &Tensor) -> Option<Vec<i32>> {
    let bytes = tensor.to_bytes();
    Some(match tensor.dtype() {
        DType::I8 => bytes.iter().map(|byte| i32::from(*byte as i8)).collect(),
        DType::U8 => bytes.iter().map(|byte| i32::from(*byte)).collect(),
        DType::I16 => bytes.as_chunks().0.iter().map(|word| i32::from(i16::from_le_bytes(*word))).collect(),
        DType::I32 => bytes.as_chunks().0.iter().map(|word| i32::from_le_bytes(*word)).collect(),
        _ => return None,
    })
}

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
            let mut zeros = Vec::new();
            let known = each(zero, |_, value| zeros.push(value));
            known.ok_or_else(|| node.unsupported(format!("its zero point is of {}", zero.dtype())))?;
            zeros
        }
    };
    if scales.len() != size || zeros.len() != size || zero.is_some_and(|zero| zero.dtype() != data.dtype()) {
        let (scales, zeros) = (scales.len(), zeros.len());
        return Err(
            node.malformed(format!("{scales} scales and {zeros} zero points for {size} positions of {shape:?}"))
        );
    }
    let bytes = data.elements().saturating_mul(4);
    lowering.copy(bytes)?;
    let float = |at: usize, value: i32| {
        let run = at / inner % size;
        let (scale, zero) = (scales.get(run).copied().unwrap_or(1.0), zeros.get(run).copied().unwrap_or(0));
        ((f64::from(value) - f64::from(zero)) * f64::from(scale)) as f32
    };
    let mut out = Vec::with_capacity(bytes);
    let known = each(&data, |at, value| out.extend_from_slice(&float(at, value).to_le_bytes()));
    known.ok_or_else(|| node.unsupported(format!("it dequantises {}", data.dtype())))?;
    lowering.define(node.output()?, Tensor::new(DType::F32, shape, out.into())?);
    Ok(())
}

fn constant(lowering: &Lowering, node: &Node, name: &str) -> Result<Tensor> {
    lowering.get(name)?.constant.clone().ok_or_else(|| {
        node.unsupported(
            "it dequantises activations, which the graph rounds to integers: try the float model that it was made from",
        )
    })
}

/// Hands out the elements of a tensor of integers of up to 32 bits, with their positions; `None` where it has others.
fn each(tensor: &Tensor, mut take: impl FnMut(usize, i32)) -> Option<()> {
    let bytes = tensor.to_bytes();
    match tensor.dtype() {
        DType::I8 => bytes.iter().enumerate().for_each(|(at, byte)| take(at, i32::from(*byte as i8))),
        DType::U8 => bytes.iter().enumerate().for_each(|(at, byte)| take(at, i32::from(*byte))),
        DType::I16 => {
            let words = bytes.as_chunks().0.iter().enumerate();
            words.for_each(|(at, word)| take(at, i32::from(i16::from_le_bytes(*word))));
        }
        DType::I32 => {
            bytes.as_chunks().0.iter().enumerate().for_each(|(at, word)| take(at, i32::from_le_bytes(*word)));
        }
        _ => return None,
    }
    Some(())
}

use super::{Node, Reader, decimal};
use crate::Result;
use alexnet_spec::graph::Operand;
use alexnet_spec::layers::Linear;
use alexnet_spec::{Tensor, Transform};

pub(super) fn read(reader: &mut Reader, node: &Node) -> Result<()> {
    if node.int("transA")?.unwrap_or(0) != 0 {
        return Err(node.unsupported("it multiplies the transposed batch, which no layer does"));
    }
    let map = reader.channels_first(node, node.input(0)?)?;
    let weight = reader.needed(node, node.input(1)?)?;
    let [rows, columns] = *weight.tensor.shape() else {
        return Err(node.unsupported(format!("its weights have shape {:?}", weight.tensor.shape())));
    };
    let transposed = node.int("transB")?.unwrap_or(0) == 0;
    let out = if transposed { columns } else { rows };
    let alpha = node.float("alpha")?.map_or(1.0, decimal);
    let transform = chain([transposed.then_some(Transform::Transpose), scale(alpha)]);
    let mut operands = vec![weight.operand("weight", transform)];
    let beta = node.float("beta")?.map_or(1.0, decimal);
    if let Some(name) = node.optional(2).filter(|_| beta != 0.0) {
        operands.push(bias(reader, node, name, out, scale(beta))?);
    }
    reader.emit(node, node.output()?, &[map], Linear { out }, operands)
}

/// A constant as the bias of `out` features: one number for each, or one for all.
pub(super) fn bias(
    reader: &mut Reader,
    node: &Node,
    name: &str,
    out: usize,
    transform: Option<Transform>,
) -> Result<Operand> {
    let mut bias = reader.needed(node, name)?;
    bias.tensor = match bias.tensor.elements() {
        elements if elements == out && bias.tensor.shape().last() == Some(&out) => bias.tensor.reshape(&[out])?,
        1 => {
            reader.copy(out.saturating_mul(4))?;
            let value = bias.tensor.to_f32()?.first().copied().unwrap_or_default();
            Tensor::from_f32(vec![out], &vec![value; out])?
        }
        _ => {
            let shape = bias.tensor.shape();
            return Err(
                node.unsupported(format!("it adds {shape:?} to {out} features; a bias is one number a feature"))
            );
        }
    };
    Ok(bias.operand("bias", chain([transform, None])))
}

/// The factor as a transform, unless it is one.
pub(super) fn scale(factor: f64) -> Option<Transform> {
    (factor != 1.0).then_some(Transform::Scale(factor))
}

fn chain(steps: [Option<Transform>; 2]) -> Transform {
    let mut steps: Vec<Transform> = steps.into_iter().flatten().collect();
    match steps.pop() {
        None => Transform::Identity,
        Some(only) if steps.is_empty() => only,
        Some(last) => {
            steps.push(last);
            Transform::Chain(steps)
        }
    }
}

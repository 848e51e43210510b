use super::{Node, Reader, identity};
use crate::Result;
use alexnet_spec::{DType, Tensor};

/// Nothing, for features: between floating point types. A constant is rounded as the graph says.
pub(super) fn read(reader: &mut Reader, node: &Node) -> Result<()> {
    let Some(constant) = reader.constant(node.input(0)?) else { return identity::read(reader, node) };
    let to = match node.int("to")?.and_then(|to| i32::try_from(to).ok()).and_then(crate::tensor::dtype) {
        Some(to) if to.is_float() && constant.tensor.dtype().is_float() => to,
        _ => return Err(node.unsupported(format!("casts a constant of {}", constant.tensor.dtype()))),
    };
    // A wider type holds the same values: the view stays what it is.
    let wider = to == DType::F64 || to == DType::F32 && constant.tensor.dtype() != DType::F64;
    if wider || to == constant.tensor.dtype() {
        return reader.fold(node, constant.tensor);
    }
    reader.copy(constant.tensor.elements().saturating_mul(to.size()))?;
    let mut bytes = Vec::with_capacity(constant.tensor.elements() * to.size());
    constant.tensor.for_each_chunk::<crate::Error>(to, &mut |chunk| {
        bytes.extend_from_slice(chunk);
        Ok(())
    })?;
    reader.fold(node, Tensor::new(to, constant.tensor.shape().to_vec(), bytes.into())?)
}

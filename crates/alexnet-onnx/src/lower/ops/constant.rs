use super::{Lowering, Node};
use crate::Result;
use alexnet_spec::Tensor;

pub(super) fn lower(lowering: &mut Lowering, node: &Node) -> Result<()> {
    let output = node.output()?;
    if let Some(tensor) = node.tensor("value")? {
        lowering.define(output, tensor);
    } else if let Some(value) = node.float("value_float")? {
        lowering.define(output, Tensor::from_f32(Vec::new(), &[value])?);
    } else if let Some(values) = node.floats("value_floats")? {
        lowering.define(output, Tensor::from_f32(vec![values.len()], values)?);
    } else if let Some(value) = node.int("value_int")? {
        lowering.define_ints(output, Vec::new(), &[value])?;
    } else if let Some(values) = node.ints("value_ints")? {
        lowering.define_ints(output, vec![values.len()], values)?;
    } else {
        return Err(node.unsupported("its value is neither a tensor nor numbers"));
    }
    Ok(())
}

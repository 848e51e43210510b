use super::{Lowering, Node};
use crate::Result;
use alexnet_spec::{DType, Tensor};

/// Of one constant integer with another: an exporter's question about a shape.
pub(super) fn lower(lowering: &mut Lowering, node: &Node) -> Result<()> {
    let inputs = node.inputs(2, 2)?;
    let a = lowering.needed_ints(node, inputs[0])?;
    let b = lowering.needed_ints(node, inputs[1])?;
    let shape = super::broadcast(node, &lowering.get(inputs[0])?.shape, &lowering.get(inputs[1])?.shape)?;
    let ([a], [b]) = (a.as_slice(), b.as_slice()) else {
        return Err(node.unsupported("compares more than one number"));
    };
    lowering.define(node.output()?, Tensor::new(DType::Bool, shape, vec![u8::from(a == b)].into())?);
    Ok(())
}

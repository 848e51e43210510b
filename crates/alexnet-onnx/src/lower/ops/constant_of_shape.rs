use super::{Lowering, Node, constant_elements};
use crate::Result;
use alexnet_spec::Tensor;

/// One value in a constant shape: a view with strides of zero, which takes no memory.
pub(super) fn lower(lowering: &mut Lowering, node: &Node) -> Result<()> {
    let shape = lowering.needed_ints(node, node.inputs(1, 1)?[0])?;
    let dims = shape.iter().map(|d| usize::try_from(*d)).collect::<Result<Vec<_>, _>>();
    let dims = dims.map_err(|_| node.malformed(format!("its shape is {shape:?}")))?;
    let value = match node.tensor("value")? {
        Some(tensor) => tensor,
        None => Tensor::from_f32(vec![1], &[0.0])?,
    };
    if value.elements() != 1 {
        return Err(node.malformed(format!("its value has {} elements; it must be one", value.elements())));
    }
    // Fully connected layers of the zoo's "light" models are filled so; integers are an exporter's pads.
    if !value.dtype().is_float() {
        constant_elements(node, &dims)?;
    } else if dims.iter().try_fold(1usize, |n, d| n.checked_mul(*d)).is_none_or(|n| n > 1 << 27) {
        return Err(node.unsupported(format!("fills {dims:?}, which is unreasonably large")));
    }
    let strides = vec![0; dims.len()];
    let filled = Tensor::strided(value.dtype(), dims, strides, 0, value.to_bytes());
    lowering.define(node.output()?, filled.map_err(|e| node.malformed(e.to_string()))?);
    Ok(())
}

use super::{Node, Reader, layer};
use crate::Result;
use alexnet_spec::layers::Softmax;

/// Over the classes.
pub(super) fn read(reader: &mut Reader, node: &Node) -> Result<()> {
    classes(reader, node)?;
    layer(reader, node, Softmax {})
}

/// Errs where it isn't the classes that it goes over.
pub(super) fn classes(reader: &Reader, node: &Node) -> Result<()> {
    let shape = reader.shape(node.input(0)?)?;
    let default = if node.opset < 13 { 1 } else { -1 };
    let axis = node.int("axis")?.unwrap_or(default);
    let axis = if axis < 0 { axis + shape.len() as i64 } else { axis };
    match shape {
        [_, _] if axis == 1 => Ok(()),
        _ => {
            Err(node.unsupported(format!("it goes over axis {axis} of {shape:?}; classes are axis 1 of [N, classes]")))
        }
    }
}

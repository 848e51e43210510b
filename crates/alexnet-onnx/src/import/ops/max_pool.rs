use super::{Node, Reader, example};
use crate::Result;
use crate::lower::window::{Window, ceil_mode};
use alexnet_spec::Shape;
use alexnet_spec::layers::{Infer, MaxPool2d, Rounding};

pub(super) fn read(reader: &mut Reader, node: &Node) -> Result<()> {
    let input = node.input(0)?;
    let map = reader.channels_first(node, input)?;
    let Some(shape @ Shape::Map { height, width, .. }) = example(reader, input)? else {
        return Err(node.unsupported(format!("its input has shape {:?}", reader.shape(input)?)));
    };
    let Window { kernel, stride, pads, .. } = Window::read(node, None, [height, width])?;
    let rounding = if ceil_mode(node)? { Rounding::Ceil } else { Rounding::Floor };
    let pool = MaxPool2d { kernel, stride, pads, rounding };
    // The operator's definition of its windows and the layer's must not differ.
    if pool.output(shape).ok() != example(reader, node.output()?)? {
        return Err(node.unsupported(format!(
            "its windows over {shape} are not those of a layer with its kernel, pads and rounding"
        )));
    }
    reader.emit(node, node.output()?, &[map], pool, Vec::new())
}

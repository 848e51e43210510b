use super::{Node, Reader};
use crate::Result;
use alexnet_spec::layers::AdaptiveAvgPool2d;

pub(super) fn read(reader: &mut Reader, node: &Node) -> Result<()> {
    let map = reader.channels_first(node, node.input(0)?)?;
    reader.emit(node, node.output()?, &[map], AdaptiveAvgPool2d { output: [1, 1] }, Vec::new())
}

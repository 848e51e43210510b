use super::{Node, Reader, layer};
use crate::Result;
use alexnet_spec::layers::Relu;

pub(super) fn read(reader: &mut Reader, node: &Node) -> Result<()> {
    layer(reader, node, Relu {})
}

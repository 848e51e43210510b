use super::{Node, Reader, decimal, layer};
use crate::Result;
use alexnet_spec::graph::NodeOp;
use alexnet_spec::layers::Dropout;

/// The identity at test time, kept for its probability.
pub(super) fn read(reader: &mut Reader, node: &Node) -> Result<()> {
    let given = match node.optional(1) {
        Some(name) => reader.scalar(name)?,
        None => node.float("ratio")?,
    };
    let p = given.map_or(0.5, decimal);
    if (0.0..1.0).contains(&p) { layer(reader, node, Dropout { p }) } else { layer(reader, node, NodeOp::Identity) }
}

use super::{Node, Reader, channel_axis};
use crate::Result;
use alexnet_spec::graph::NodeOp;

/// Channels, or features, one input after the other: where two towers meet.
pub(super) fn read(reader: &mut Reader, node: &Node) -> Result<()> {
    let names = node.inputs(1, 1 << 12)?;
    let maps = names.iter().map(|name| reader.whole(node, name)).collect::<Result<Vec<_>>>()?;
    let rank = reader.shape(node.output()?)?.len();
    let axis = node.int("axis")?.unwrap_or(1);
    let axis = if axis < 0 { axis + rank as i64 } else { axis };
    let same = maps.windows(2).all(|pair| matches!(pair, [a, b] if a.layout == b.layout));
    if !same || !matches!(rank, 2 | 4) || maps.first().map(|map| channel_axis(map, rank) as i64) != Some(axis) {
        return Err(node.unsupported(format!("it joins values along axis {axis}, which isn't that of their channels")));
    }
    reader.emit(node, node.output()?, &maps, NodeOp::Concat, Vec::new())
}

use super::{Node, Reader, channel_axis, slice_channels};
use crate::Result;

/// Slices of the channels: how the two towers of 2012 are written without groups.
pub(super) fn read(reader: &mut Reader, node: &Node) -> Result<()> {
    let map = reader.whole(node, node.input(0)?)?;
    let rank = reader.shape(node.input(0)?)?.len();
    let axis = node.int("axis")?.unwrap_or(0);
    let axis = if axis < 0 { axis + rank as i64 } else { axis };
    if !matches!(rank, 2 | 4) || axis != channel_axis(&map, rank) as i64 {
        return Err(node.unsupported(format!("it splits along axis {axis}, which isn't that of the channels")));
    }
    let mut start = 0usize;
    for output in node.outputs() {
        // Lowering has computed the parts, the unread ones as well.
        let part = reader.shape(output)?.get(channel_axis(&map, rank)).copied().unwrap_or_default();
        let end = start.saturating_add(part);
        if reader.is_read(output) {
            slice_channels(reader, node, &map, output, start, end)?;
        }
        start = end;
    }
    Ok(())
}

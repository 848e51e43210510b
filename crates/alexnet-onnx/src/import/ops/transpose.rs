use super::{Layout, Map, Node, Reader};
use crate::Result;

/// Channels from the end to the front or back, around the layers of a TensorFlow graph.
pub(super) fn read(reader: &mut Reader, node: &Node) -> Result<()> {
    let (input, output) = (node.input(0)?, node.output()?);
    let map = reader.map(node, input)?;
    let perm = node.ints("perm")?.unwrap_or_default();
    let layout = match (map.layout, perm) {
        (Layout::ChannelsLast, [0, 3, 1, 2]) => Layout::ChannelsFirst,
        (Layout::ChannelsFirst, [0, 2, 3, 1]) => Layout::ChannelsLast,
        (layout, perm) if !perm.is_empty() && perm.iter().copied().eq(0..perm.len() as i64) => layout,
        _ => {
            let shape = reader.shape(input)?;
            return Err(
                node.unsupported(format!("perm {perm:?} of {shape:?} doesn't move the channels to the front or back"))
            );
        }
    };
    reader.hold(output, Map { layout, ..map });
    Ok(())
}

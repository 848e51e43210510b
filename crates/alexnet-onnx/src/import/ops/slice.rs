use super::{Node, Reader, channel_axis, identity, slice_channels};
use crate::Result;
use crate::lower::taken;

/// Neighbouring channels.
pub(super) fn read(reader: &mut Reader, node: &Node) -> Result<()> {
    let input = node.input(0)?;
    let shape = reader.shape(input)?.to_vec();
    let map = reader.map(node, input)?;
    let channels = channel_axis(&map, shape.len());
    let mut parts = taken(reader.inferred(), node, &shape)?;
    parts.retain(|(axis, positions)| !positions.iter().copied().eq(0..shape.get(*axis).copied().unwrap_or_default()));
    match parts.as_slice() {
        [] => identity::read(reader, node),
        [(axis, positions)] if *axis == channels && matches!(shape.len(), 2 | 4) => {
            let (first, last) = (positions.first().copied().unwrap_or(0), positions.last().copied().unwrap_or(0));
            if !positions.iter().copied().eq(first..last.saturating_add(1)) {
                return Err(node.unsupported("it takes channels that aren't neighbours in their order"));
            }
            let map = reader.whole(node, input)?;
            slice_channels(reader, node, &map, node.output()?, first, last.saturating_add(1))
        }
        _ => Err(node.unsupported(format!("it cuts pixels or examples off a value of {shape:?}, which no layer does"))),
    }
}

use super::{Node, Reader, flatten};
use crate::Result;
use alexnet_spec::layers::AdaptiveAvgPool2d;

/// Over all pixels: how exporters say global pooling.
pub(super) fn read(reader: &mut Reader, node: &Node) -> Result<()> {
    let (input, output) = (node.input(0)?, node.output()?);
    let map = reader.whole(node, input)?;
    let (from, to) = (reader.shape(input)?.to_vec(), reader.shape(output)?.to_vec());
    let axes = match (node.ints("axes")?, node.optional(1)) {
        (Some(axes), _) => axes.to_vec(),
        (None, Some(name)) => reader.inferred().needed_ints(node, name)?,
        (None, None) => Vec::new(),
    };
    let counted = |axis: &i64| if *axis < 0 { axis + from.len() as i64 } else { *axis };
    let mut axes: Vec<i64> = axes.iter().map(counted).collect();
    axes.sort_unstable();
    if from.len() != 4 || axes != map.layout.pixels().map(|axis| axis as i64) {
        return Err(node.unsupported(format!("it averages axes {axes:?} of {from:?}, not the pixels of a map")));
    }
    reader.emit(node, output, &[map], AdaptiveAvgPool2d { output: [1, 1] }, Vec::new())?;
    let pooled = reader.map(node, output)?;
    let mut kept = from;
    for axis in pooled.layout.pixels() {
        if let Some(size) = kept.get_mut(axis) {
            *size = 1;
        }
    }
    flatten::reshape(reader, node, pooled, &kept, &to)
}

use super::{Map, Node, Reader, decimal};
use crate::Result;
use alexnet_spec::layers::LocalResponseNorm;

/// Channels that lie in the batch's place are groups that are normalised on their own.
pub(super) fn read(reader: &mut Reader, node: &Node) -> Result<()> {
    let size = node.int("size")?.and_then(|size| usize::try_from(size).ok()).unwrap_or_default();
    let value = |value: Option<f32>, default: f64| value.map_or(default, decimal);
    let alpha = value(node.float("alpha")?, 1e-4);
    let beta = value(node.float("beta")?, 0.75);
    let k = value(node.float("bias")?, 1.0);
    let sliced = reader.map(node, node.input(0)?)?;
    let groups = sliced.slices;
    let map = reader.take_first(node, Map { slices: 1, ..sliced })?;
    reader.emit(node, node.output()?, &[map], LocalResponseNorm { size, alpha, beta, k, groups }, Vec::new())?;
    reader.reslice(node.output()?, groups);
    Ok(())
}

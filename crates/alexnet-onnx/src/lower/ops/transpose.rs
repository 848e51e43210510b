use super::{Lowering, Made, Node};
use crate::Result;

pub(super) fn lower(lowering: &mut Lowering, node: &Node) -> Result<()> {
    let data = node.inputs(1, 1)?[0];
    let rank = lowering.get(data)?.shape.len();
    let perm = match node.ints("perm")? {
        None => (0..rank).rev().collect(),
        Some(perm) => perm.iter().map(|at| super::axis(node, *at, rank)).collect::<Result<Vec<_>>>()?,
    };
    let mut sorted = perm.clone();
    sorted.sort_unstable();
    if !sorted.into_iter().eq(0..rank) {
        return Err(node.malformed(format!("perm {perm:?} is no permutation of {rank} axes")));
    }
    if let Some(tensor) = lowering.get(data)?.constant.clone() {
        lowering.define(node.output()?, tensor.permute(&perm)?);
        return Ok(());
    }
    let known = lowering.operand(node, data)?;
    let shape = perm.iter().filter_map(|at| known.shape.get(*at).copied()).collect();
    let made = Made::new("Transpose", [data]).ints("perm", &perm);
    lowering.emit(node, made, node.output()?, shape, known.dtype)
}

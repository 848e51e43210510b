//! Darknet's two files: the `.cfg` that lists the layers, and the `.weights` that holds their arrays one after the other with
//! nothing between them.
//!
//! Neither is described anywhere but in Darknet's `src/parser.c`, which the comments here name functions of.

mod cfg;
mod header;
mod layers;
mod options;
mod plan;
#[cfg(test)]
mod tests;

use crate::{Error, Group, Limits, Result};
use alexnet_spec::graph::{Graph, Node, Operand};
use alexnet_spec::{DType, Tensor};
use bytes::Bytes;
use plan::{Array, Plan};

pub(crate) use cfg::is_cfg;
pub(crate) use header::Header;

/// What the `.cfg` says of itself.
pub(crate) struct Described(Plan);

/// Reads a `.cfg`.
///
/// Errs where a line or an option isn't Darknet's, and where a layer isn't one that is converted, naming it.
pub(crate) fn describe(cfg: &[u8], limits: &Limits) -> Result<Described> {
    Ok(Described(layers::plan(&cfg::parse(cfg, limits)?)?))
}

impl Described {
    /// The network with the arrays of a `.weights`, all of them views.
    ///
    /// Errs, naming both counts, where the file doesn't hold exactly the numbers that the layers need.
    pub fn fill(self, weights: &Bytes) -> Result<(Graph, Group)> {
        let header = Header::read(weights)?;
        let Plan { mut nodes, operands, arrays, mut graph } = self.0;
        let tensors = slice(&arrays, weights.slice(header.length.min(weights.len())..), header.transposed)?;
        for planned in operands {
            let Some((tensor, array)) = tensors.get(planned.array).zip(arrays.get(planned.array)) else { continue };
            let transform = array.transform(header.transposed);
            let operand = Operand::new(planned.role, array.name.clone(), tensor.clone(), transform);
            if let Some(node) = nodes.get_mut(planned.node) {
                node.operands.push(operand);
            }
        }
        graph.nodes = nodes.into_iter().collect::<Vec<Node>>();
        graph.notes.push(header.to_string());
        let named = arrays.into_iter().map(|array| array.name).zip(tensors);
        Ok((graph, Group { tensors: named.collect(), ..Group::default() }))
    }
}

/// The arrays, which must fill `data` exactly.
fn slice(arrays: &[Array], data: Bytes, transposed: bool) -> Result<Vec<Tensor>> {
    const FLOAT: usize = size_of::<f32>();
    let overflow = || Error::refused("the .cfg's layers need more numbers than a file can hold");
    let needed =
        arrays.iter().try_fold(0usize, |sum, array| sum.checked_add(array.elements()?)).ok_or_else(overflow)?;
    let found = data.len() / FLOAT;
    if data.len() != needed.checked_mul(FLOAT).ok_or_else(overflow)? {
        let rest = match data.len() % FLOAT {
            0 => String::new(),
            rest => format!(" and {rest} bytes"),
        };
        return Err(Error::malformed(format!(
            "the file has {found} numbers{rest} after its header, but the layers of the .cfg need {needed}"
        ))
        .with_remedy("the .cfg that these weights were trained with, or getting the weights again"));
    }
    let mut at = 0usize;
    let mut tensors = Vec::with_capacity(arrays.len());
    for array in arrays {
        let end = array.elements().and_then(|n| n.checked_mul(FLOAT)).and_then(|n| n.checked_add(at));
        let end = end.filter(|end| *end <= data.len()).ok_or_else(overflow)?;
        tensors.push(Tensor::new(DType::F32, array.stored(transposed), data.slice(at..end))?);
        at = end;
    }
    Ok(tensors)
}

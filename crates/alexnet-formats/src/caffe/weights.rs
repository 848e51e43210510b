use super::blob::Blob;
use super::net::Net;
use crate::{Error, Group, Result, Unreadable};
use alexnet_spec::Tensor;
use std::collections::BTreeMap;

/// The trained numbers of a net's layers, whatever file they lie in.
#[derive(Clone, Debug, Default)]
pub(crate) struct Weights {
    /// In the file's order: the layer, and its blobs by number.
    layers: Vec<(String, Vec<Blob>)>,
    by_name: BTreeMap<String, usize>,
}

impl Weights {
    /// Errs where two layers of one name have weights: Caffe would give the last one's to both.
    pub fn new(layers: Vec<(String, Vec<Blob>)>) -> Result<Weights> {
        let mut by_name = BTreeMap::new();
        for (index, (name, _)) in layers.iter().enumerate() {
            if by_name.insert(name.clone(), index).is_some() {
                return Err(Error::malformed(format!("two layers `{}` have weights", name.escape_debug())));
            }
        }
        Ok(Weights { layers, by_name })
    }

    /// The weights that lie in a net.
    pub fn of(net: &Net) -> Result<Weights> {
        let trained = net.layers.iter().filter(|layer| !layer.blobs.is_empty());
        Weights::new(trained.map(|layer| (layer.name.clone(), layer.blobs.clone())).collect())
    }

    /// A layer's blob.
    pub fn get(&self, layer: &str, index: usize) -> Option<&Blob> {
        let (_, blobs) = self.layers.get(*self.by_name.get(layer)?)?;
        blobs.get(index)
    }

    /// The layers that have weights.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.layers.iter().map(|(name, _)| name.as_str())
    }

    /// All of them as named tensors.
    pub fn group(&self) -> Group {
        let mut group = Group::default();
        for (layer, blobs) in &self.layers {
            for (index, blob) in blobs.iter().enumerate() {
                let name = source(layer, index);
                match blob.tensor.as_ref().map(|tensor| plain(tensor, blob.legacy, index)) {
                    Ok(tensor) => group.tensors.push((name, tensor)),
                    Err(reason) => group.unreadable.push(Unreadable { name, reason: reason.clone() }),
                }
            }
        }
        group
    }
}

/// The name of a blob, as pycaffe counts them: `conv1.0` is the layer's weight, `conv1.1` its bias.
pub(super) fn source(layer: &str, index: usize) -> String {
    format!("{layer}.{index}")
}

/// A tensor without the dimensions of 1 that old files put before those of matrices and vectors.
fn plain(tensor: &Tensor, legacy: bool, index: usize) -> Tensor {
    let shape = match (tensor.shape(), index) {
        ([1, 1, rows, columns], 0) if legacy => vec![*rows, *columns],
        ([1, 1, 1, length], 1..) if legacy => vec![*length],
        _ => return tensor.clone(),
    };
    tensor.reshape(&shape).unwrap_or_else(|_| tensor.clone())
}

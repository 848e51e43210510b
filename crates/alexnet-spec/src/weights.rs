use crate::{Error, Network, Result, Tensor};
use std::collections::BTreeMap;

/// The tensors of a network by canonical name.
///
/// ```
/// use alexnet_spec::{Tensor, Weights, networks};
/// use std::collections::BTreeMap;
///
/// let network = networks::get("torchvision").unwrap().shrunk(16, 10)?;
/// let mut tensors = BTreeMap::new();
/// for parameter in network.parameters()? {
///     let zeros = vec![0.0; parameter.elements()];
///     tensors.insert(parameter.name, Tensor::from_f32(parameter.shape, &zeros)?);
/// }
/// assert_eq!(Weights::new(&network, tensors)?.get("fc8.bias").unwrap().shape(), [10]);
/// assert!(Weights::new(&network, BTreeMap::new()).is_err());
/// # Ok::<(), alexnet_spec::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Weights {
    tensors: BTreeMap<String, Tensor>,
}

impl Weights {
    /// The weights of `network` from tensors with canonical names.
    ///
    /// Errs, listing every one, where a parameter is missing, has another shape, isn't floating point, or belongs to no
    /// layer.
    pub fn new(network: &Network, tensors: BTreeMap<String, Tensor>) -> Result<Weights> {
        let parameters = network.parameters()?;
        let mut faults = Vec::new();
        for parameter in &parameters {
            match tensors.get(&parameter.name) {
                None => faults.push(format!("`{}` is missing", parameter.name)),
                Some(tensor) if tensor.shape() != parameter.shape => faults.push(format!(
                    "`{}` has shape {:?}, but network `{}` needs {:?}",
                    parameter.name,
                    tensor.shape(),
                    network.name,
                    parameter.shape
                )),
                Some(tensor) if !tensor.dtype().is_float() => {
                    faults.push(format!("`{}` holds {}, not floating point", parameter.name, tensor.dtype()))
                }
                Some(_) => {}
            }
        }
        for name in tensors.keys().filter(|name| parameters.iter().all(|p| p.name != **name)) {
            faults.push(format!("`{name}` belongs to no layer of network `{}`", network.name));
        }
        if !faults.is_empty() {
            return Err(Error::Weights(faults.join("; ")));
        }
        Ok(Weights { tensors })
    }

    /// The tensor of a canonical name.
    pub fn get(&self, name: &str) -> Option<&Tensor> {
        self.tensors.get(name)
    }

    /// All tensors by canonical name, sorted.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Tensor)> {
        self.tensors.iter().map(|(name, tensor)| (name.as_str(), tensor))
    }

    /// The number of bytes of all tensors in the given type.
    pub fn byte_len(&self, dtype: crate::DType) -> usize {
        self.tensors.values().map(|t| t.elements() * dtype.size()).sum()
    }
}

use super::stored::{Key, Stored};
use crate::hdf5::Object;
use crate::shown::shown;
use crate::{Error, Limits, Result};
use alexnet_spec::Tensor;
use std::collections::HashMap;

/// The weights of an `.h5` of Keras 1 to 3: a group for each layer, with the attribute `weight_names`.
pub(crate) struct Legacy {
    layers: HashMap<String, Vec<(String, Tensor)>>,
    /// The layers' names as the file lists them.
    order: Vec<String>,
}

impl Legacy {
    /// Reads the group that has the attribute `layer_names`.
    pub fn read(group: &Object<'_>, limits: &Limits) -> Result<Legacy> {
        let order = names(group, "layer_names")?;
        let mut layers = HashMap::new();
        let mut count = 0usize;
        for layer in &order {
            let place = |error: Error| error.at(format!("layer `{}`", shown(layer.as_bytes())));
            let object = group.get(layer).map_err(place)?.ok_or_else(|| place(Error::malformed("has no group")))?;
            let mut tensors = Vec::new();
            for name in names(&object, "weight_names").map_err(place)? {
                count = count.saturating_add(1);
                if count > limits.tensors {
                    return Err(Error::limit("tensors", "one more tensor", limits.tensors));
                }
                let full = format!("{layer}/{name}");
                let place = |error: Error| error.at(format!("`{}`", shown(full.as_bytes())));
                let dataset = object.get(&name).map_err(place)?;
                let dataset = dataset.ok_or_else(|| place(Error::malformed("is listed, but isn't there")))?;
                let tensor = dataset.data().and_then(|data| data.tensor()).map_err(place)?;
                tensors.push((full, tensor));
            }
            if layers.insert(layer.clone(), tensors).is_some() {
                return Err(place(Error::malformed("is listed twice")));
            }
        }
        Ok(Legacy { layers, order })
    }

    /// All tensors as `layer/weight`, in the file's order of layers.
    pub fn tensors(&self) -> Vec<(String, Tensor)> {
        self.order.iter().filter_map(|layer| self.layers.get(layer)).flatten().cloned().collect()
    }
}

impl Stored for Legacy {
    #[allow(private_interfaces, reason = "only its own module asks")]
    fn weights(&self, path: &[Key]) -> Result<Vec<(String, Tensor)>> {
        let Some((outer, inner)) = path.split_first() else { return Ok(Vec::new()) };
        let tensors = self.layers.get(&outer.name).cloned().unwrap_or_default();
        let Some(layer) = inner.last() else { return Ok(tensors) };
        // The weights of a model in the model are in one list, the trained ones first: told apart by the layer in the name.
        let owner = |name: &str| name.rsplit('/').nth(1).map(str::to_owned);
        Ok(tensors.into_iter().filter(|(name, _)| owner(name).as_ref() == Some(&layer.name)).collect())
    }
}

/// A list of names in an attribute; one beyond 64 kB is spread over `names0`, `names1`, ...
fn names(object: &Object<'_>, attribute: &str) -> Result<Vec<String>> {
    let mut names = Vec::new();
    let mut part = object.attribute(attribute)?;
    let mut number = 0usize;
    if part.is_none() {
        part = object.attribute(&format!("{attribute}0"))?;
        number = 1;
    }
    while let Some(data) = part {
        // An empty list is one of numbers to NumPy.
        let texts = if data.shape().contains(&0) { Vec::new() } else { data.texts()? };
        for text in texts {
            let name = String::from_utf8(text.to_vec());
            names.push(name.map_err(|_| Error::malformed(format!("`{attribute}` has a name that isn't UTF-8")))?);
        }
        part = match number {
            0 => None,
            number => object.attribute(&format!("{attribute}{number}"))?,
        };
        number = number.saturating_add(1);
    }
    Ok(names)
}

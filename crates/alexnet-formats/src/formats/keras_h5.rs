//! `.h5` files of Keras 1 to 3 with a group for each layer: what `model.save("x.h5")` and, before Keras 3,
//! `model.save_weights` write (`keras/src/legacy/saving/legacy_h5_format.py`). The attribute `model_config` of the former is
//! the network; weights alone go by their names.

use super::Format;
use crate::hdf5::{File, Object};
use crate::keras::{self, Flavour, Legacy};
use crate::{Checkpoint, Error, Group, Limits, Result, Source};

pub(super) const FORMAT: Format = Format {
    name: "keras-h5",
    about: "Keras's .h5: model.save, with the network, and save_weights, without",
    recognises: |source, limits| {
        File::open(source.bytes(), limits).is_ok_and(|file| file.root().is_ok_and(|root| weights(&root).is_some()))
    },
    read,
};

/// The group of the layers: the root, or beside the network's description and the optimizer's state one of its own.
fn weights<'f>(root: &Object<'f>) -> Option<Object<'f>> {
    let listed = |object: &Object<'_>| {
        ["layer_names", "layer_names0"].iter().any(|name| object.attribute(name).is_ok_and(|names| names.is_some()))
    };
    let inner = || root.get("model_weights").ok().flatten();
    if listed(root) { Some(root.clone()) } else { inner().filter(listed) }
}

fn read(source: &Source, limits: &Limits) -> Result<Checkpoint> {
    let file = File::open(source.bytes(), limits)?;
    let root = file.root()?;
    let weights = weights(&root).ok_or_else(|| Error::malformed("lists no layers"))?;
    let stored = Legacy::read(&weights, limits)?;
    let group = Group { tensors: stored.tensors(), ..Group::default() };
    let Some(config) = root.attribute("model_config")? else {
        return Ok(Checkpoint::new(FORMAT.name, vec![group]));
    };
    let text = |name: &str| -> Result<Option<String>> {
        let attribute = root.attribute(name)?.map(Ok).or_else(|| weights.attribute(name).transpose()).transpose()?;
        attribute.map(|attribute| attribute.text()).transpose()
    };
    let flavour = Flavour { version: text("keras_version")?, backend: text("backend")? };
    let config = config.text()?;
    let graph = keras::graph(config.as_bytes(), &stored, flavour, limits).map_err(|error| error.at("model_config"))?;
    Ok(Checkpoint::described(FORMAT.name, graph, vec![group]))
}

//! `.keras`, a zip of `config.json` and `model.weights.h5`, and the `.weights.h5` alone that `save_weights` writes
//! (`keras/src/saving/saving_lib.py` of Keras 3; the last versions of Keras 2 have it too).

use super::Format;
use crate::archive::Archive;
use crate::hdf5::File;
use crate::keras::{self, Flavour, Saved};
use crate::{Checkpoint, Error, Group, Limits, Result, Source};
use bytes::Bytes;
use serde_json::Value as Json;

pub(super) const FORMAT: Format = Format {
    name: "keras3",
    about: "Keras 3's .keras, with the network, and .weights.h5, without",
    recognises: |source, limits| {
        let bytes = source.bytes();
        match Archive::recognises(&bytes) {
            true => Archive::open(bytes, limits).is_ok_and(|archive| archive.contains(WEIGHTS)),
            false => File::open(bytes, limits).is_ok_and(|file| file.root().is_ok_and(|root| Saved::recognises(&root))),
        }
    },
    read,
};

const WEIGHTS: &str = "model.weights.h5";
const CONFIG: &str = "config.json";

fn read(source: &Source, limits: &Limits) -> Result<Checkpoint> {
    let bytes = source.bytes();
    if !Archive::recognises(&bytes) {
        let saved = saved(bytes, limits)?;
        return Ok(Checkpoint::new(FORMAT.name, vec![group(&saved)]));
    }
    let archive = Archive::open(bytes, limits)?;
    let member = |name: &str| {
        let missing = || Error::malformed(format!("the zip has no `{name}`")).with_remedy("saving the model again");
        archive.read(name)?.ok_or_else(missing)
    };
    let saved = saved(member(WEIGHTS)?, limits).map_err(|error| error.at(WEIGHTS))?;
    let metadata = archive.read("metadata.json")?;
    let metadata: Option<Json> = metadata.and_then(|bytes| serde_json::from_slice(&bytes).ok());
    let version = metadata.and_then(|json| Some(json.get("keras_version")?.as_str()?.to_owned()));
    // All backends that write this format correlate.
    let flavour = Flavour { version, backend: None };
    let graph = keras::graph(&member(CONFIG)?, &saved, flavour, limits).map_err(|error| error.at(CONFIG))?;
    Ok(Checkpoint::described(FORMAT.name, graph, vec![group(&saved)]))
}

fn saved(bytes: Bytes, limits: &Limits) -> Result<Saved> {
    Saved::read(&File::open(bytes, limits)?.root()?, limits)
}

fn group(saved: &Saved) -> Group {
    Group { tensors: saved.tensors().to_vec(), ..Group::default() }
}

//! What Keras says of a network: the JSON of its layers, and the weights that belong to each.
//!
//! The configuration (`model_config`, `config.json`) is as `get_config` of Keras 1, 2 and 3 writes it: a `Sequential`, or a
//! functional model whose layers name those they read; models within models too. What each layer computes is in
//! `keras/src/layers`. Layers with code of their own (`Lambda`, subclasses) are refused by name: code in a file is never run.
//!
//! Keras orders images as height, width, channel unless `data_format` says otherwise; kernels are HWIO and matrices
//! `[in, out]` either way, but for Keras 1 in Theano's order.

mod flavour;
mod keras1;
mod layers;
mod legacy;
mod model;
mod saved;
mod settings;
mod stored;
mod transcribe;
mod value;

use crate::{Error, Limits, Result};
use alexnet_spec::Graph;
use serde_json::Value as Json;

pub(crate) use flavour::Flavour;
pub(crate) use legacy::Legacy;
pub(crate) use saved::Saved;
use stored::Stored;

/// What to do about a network that a file can't tell by itself.
pub(crate) const BY_NAMES: &str =
    "model.save_weights(\"x.weights.h5\") in Keras, and converting that with --network and --map";

/// The network that the JSON text `config` describes, with the weights in `stored`.
///
/// Errs, naming the layer, where it is of a kind that isn't converted, and where its weights are missing or too many.
pub(crate) fn graph(config: &[u8], stored: &dyn Stored, flavour: Flavour, limits: &Limits) -> Result<Graph> {
    if config.len() > limits.header_bytes {
        let seen = format!("a configuration of {} bytes", config.len());
        return Err(Error::limit("header_bytes", seen, limits.header_bytes));
    }
    let json: Json = serde_json::from_slice(config).map_err(|error| Error::malformed(format!("its JSON: {error}")))?;
    let model = model::Model::parse(&json)?;
    transcribe::graph(&model, stored, flavour)
}

//! What each type of layer computes. A type that is converted is a line in the table here.

mod activation;
mod batch_norm;
mod channels;
mod convolution;
mod data;
mod inner_product;
mod norm;
mod pooling;
mod shape;
mod sizes;

use super::graph::Builder;
use super::net::Layer;
use crate::shown::shown;
use crate::{Error, Result};

pub(super) use data::{data, inputs, is_data, says_preprocessing};

type Transcribe = for<'n> fn(&mut Builder<'n>, &'n Layer) -> Result<()>;

const TYPES: &[(&str, Transcribe)] = &[
    ("Convolution", convolution::transcribe),
    ("Pooling", pooling::transcribe),
    ("LRN", norm::transcribe),
    ("InnerProduct", inner_product::transcribe),
    ("ReLU", activation::relu),
    ("Dropout", activation::dropout),
    ("Softmax", activation::softmax),
    ("BatchNorm", batch_norm::transcribe),
    ("Scale", batch_norm::scale),
    ("Concat", channels::concat),
    ("Slice", channels::slice),
    ("Split", channels::split),
    ("Flatten", shape::flatten),
    ("Reshape", shape::reshape),
];

/// Appends what a layer computes; nothing for those that only training or reports read.
pub(super) fn transcribe<'n>(builder: &mut Builder<'n>, layer: &'n Layer) -> Result<()> {
    if layer.kind.ends_with("Loss") || ["Accuracy", "Silence", "HDF5Output"].contains(&layer.kind.as_str()) {
        return Ok(());
    }
    match TYPES.iter().find(|(name, _)| *name == layer.kind) {
        Some((_, transcribe)) => transcribe(builder, layer),
        None => Err(Error::refused(format!("layers of type `{}` aren't converted", shown(layer.kind.as_bytes())))
            .with_remedy("--prototxt FILE with a net that does without, if it is for training alone")),
    }
}

/// The refusal of a parameter that no layer of ours has.
fn refused(what: &str, value: impl std::fmt::Display) -> Error {
    Error::refused(format!("its `{what}` is {value}, which isn't converted"))
}

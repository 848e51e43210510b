use super::super::model::Layer;
use super::super::transcribe::Transcriber;
use super::super::value::{Kind, Value};
use super::activation;
use crate::{Error, Result};
use alexnet_spec::Transform;
use alexnet_spec::layers::{Dropout, Linear};

/// A fully connected layer, and the activation that it may end with. Its matrix is `[in, out]`.
pub(super) fn dense(to: &mut Transcriber<'_>, layer: &Layer, input: &Value) -> Result<Value> {
    if input.kind != Kind::Vector {
        return Err(Error::refused("Dense of a map, which is a convolution of one pixel, isn't converted")
            .with_remedy("a Flatten before it, or Conv2D of 1x1"));
    }
    let biased = layer.flag("use_bias", true)?;
    let out = layer.size("units")?;
    let mut weights = to.weights(if biased { 2 } else { 1 })?.into_iter();
    let mut operands = Vec::new();
    operands.extend(weights.next().map(|weight| Transcriber::operand("weight", weight, Transform::Transpose)));
    operands.extend(weights.next().map(|bias| Transcriber::operand("bias", bias, Transform::Identity)));
    let node = to.node("", &[input], Linear { out }, operands)?;
    let value = Value { node, kind: Kind::Vector, channels: Some(out), pads: [0; 4], positive: false };
    activation::named(to, "/activation", layer, &value)
}

/// Dropout, which Keras scales in training, so that it is nothing afterwards.
pub(super) fn dropout(to: &mut Transcriber<'_>, layer: &Layer, input: &Value) -> Result<Value> {
    let p = layer.number("rate", 0.5)?;
    let node = to.unpadded_node("", &[input], Dropout { p }.into(), Vec::new())?;
    Ok(input.at(node))
}

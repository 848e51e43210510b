use super::super::model::Layer;
use super::super::transcribe::Transcriber;
use super::super::value::{Kind, Value};
use crate::{Error, Result};
use alexnet_spec::graph::NodeOp;
use alexnet_spec::layers::Flatten;
use serde_json::Value as Json;

/// Whether an axis, counted with the batch, is that of the channels.
pub(super) fn is_channel_axis(axis: i64, channels_first: bool, value: &Value) -> bool {
    match (value.kind, channels_first) {
        (Kind::Map, true) => matches!(axis, 1 | -3),
        (Kind::Map, false) => matches!(axis, 3 | -1),
        (Kind::Vector, _) => matches!(axis, 1 | -1),
        (Kind::ChannelsBroughtFirst, _) => false,
    }
}

/// A map as a vector.
///
/// Told that the channels are first, Keras brings them to the end before it flattens; told otherwise, it takes the axes as
/// they are, whatever the layers before it say. Keras before 2.2 had no such argument.
pub(super) fn flatten(to: &mut Transcriber<'_>, layer: &Layer, input: &Value) -> Result<Value> {
    let moves = layer.word("data_format", "channels_last")? == "channels_first";
    let op = match (input.kind, to.channels_first, moves) {
        (Kind::Vector, ..) => return Ok(input.clone()),
        (Kind::Map, false, true) => {
            return Err(layer.refuse("`data_format` \"channels_first\" of a map that has them last"));
        }
        (Kind::Map, false, false) | (Kind::Map, true, true) => NodeOp::FlattenHwc,
        (Kind::Map, true, false) => Flatten {}.into(),
        (Kind::ChannelsBroughtFirst, _, false) => Flatten {}.into(),
        (Kind::ChannelsBroughtFirst, _, true) => return Err(layer.refuse("both a Permute and a `data_format`")),
    };
    let node = to.node("", &[input], op, Vec::new())?;
    Ok(Value { kind: Kind::Vector, channels: None, ..input.at(node) })
}

/// A reshaping to a vector, which is a flattening, or none.
pub(super) fn reshape(to: &mut Transcriber<'_>, layer: &Layer, input: &Value) -> Result<Value> {
    let rank = layer.setting("target_shape").and_then(Json::as_array).map(Vec::len);
    match (rank, input.kind) {
        (Some(1), Kind::Vector) => Ok(input.clone()),
        (Some(1), _) => {
            let mut layer = layer.clone();
            layer.config.remove("data_format");
            flatten(to, &layer, input)
        }
        _ => Err(layer.refuse("a `target_shape` other than a vector's")),
    }
}

/// A permutation that changes nothing, or that puts the channels in front of a flattening.
pub(super) fn permute(to: &Transcriber<'_>, layer: &Layer, input: &Value) -> Result<Value> {
    let dims = layer.setting("dims").and_then(Json::as_array).cloned().unwrap_or_default();
    let dims: Option<Vec<u64>> = dims.iter().map(Json::as_u64).collect();
    if input.is_padded() {
        return Err(Error::refused("a Permute of zeros around a map"));
    }
    match (dims.as_deref(), input.kind, to.channels_first) {
        (Some([1, 2, 3]), Kind::Map, _) | (Some([1]), Kind::Vector, _) => Ok(input.clone()),
        (Some([3, 1, 2]), Kind::Map, false) => Ok(Value { kind: Kind::ChannelsBroughtFirst, ..input.clone() }),
        _ => Err(layer.refuse("these `dims`")),
    }
}

/// A factor for all pixels.
pub(super) fn rescaling(to: &mut Transcriber<'_>, layer: &Layer, input: &Value) -> Result<Value> {
    let scale = layer.number("scale", 1.0)?;
    if layer.number("offset", 0.0)? != 0.0 || !(scale.is_finite() && scale > 0.0) {
        return Err(layer.refuse("an `offset`, or a `scale` that isn't a number above zero"));
    }
    // Pixels that are divided by so much range to 255.
    to.takes_bytes |= to.is_image(input) && scale < 1.0 / 64.0;
    let node = to.node("", &[input], NodeOp::Scale(scale), Vec::new())?;
    Ok(input.at(node))
}

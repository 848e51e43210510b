//! Functions of TensorFlow and of Keras 3 that a functional model calls, and that become layers.

use super::super::model::Layer;
use super::super::transcribe::Transcriber;
use super::super::value::{Kind, Value};
use super::activation;
use super::shape::is_channel_axis;
use crate::shown::shown;
use crate::{Error, Result};
use alexnet_spec::graph::NodeOp;
use alexnet_spec::layers::LocalResponseNorm;
use serde_json::Value as Json;

pub(super) fn transcribe(to: &mut Transcriber<'_>, layer: &Layer, input: &Value) -> Result<Vec<Value>> {
    let function = match layer.class.as_str() {
        "TFOpLambda" => layer.word("function", "")?,
        class => class,
    };
    match function {
        "SlicingOpLambda" => slice(to, layer, input, layer.arguments.get("slice_spec")).map(|value| vec![value]),
        "GetItem" => {
            let index = layer.arguments.get("args").and_then(|args| args.get(1));
            slice(to, layer, input, index).map(|value| vec![value])
        }
        "Split" => split(to, layer, input, layer.setting("indices_or_sections"), layer.setting("axis"), false),
        "split" => {
            let (sizes, axis) = (layer.arguments.get("num_or_size_splits"), layer.arguments.get("axis"));
            split(to, layer, input, sizes, axis, true)
        }
        "nn.local_response_normalization" => local_response_norm(to, layer, input).map(|value| vec![value]),
        "nn.relu" => activation::relu(to, "", input).map(|value| vec![value]),
        "nn.softmax" => activation::softmax(to, "", input).map(|value| vec![value]),
        "identity" => Ok(vec![input.clone()]),
        other => Err(Error::refused(format!("the function `{}` isn't converted", shown(other.as_bytes())))
            .with_remedy(super::super::BY_NAMES)),
    }
}

/// `tf.nn.local_response_normalization`: the window reaches `depth_radius` to both sides, and `alpha` isn't divided by it.
fn local_response_norm(to: &mut Transcriber<'_>, layer: &Layer, input: &Value) -> Result<Value> {
    if to.channels_first || input.kind != Kind::Map {
        return Err(layer.refuse("anything but a map that has its channels last"));
    }
    let number = |key: &str, default: f64| match layer.arguments.get(key).filter(|json| !json.is_null()) {
        None => Ok(default),
        Some(json) => json.as_f64().ok_or_else(|| Error::malformed(format!("`{key}` isn't a number"))),
    };
    let radius = number("depth_radius", 5.0)?;
    if !(0.0..=1024.0).contains(&radius) || radius.fract() != 0.0 {
        return Err(Error::malformed(format!("a `depth_radius` of {radius}")));
    }
    let size = (radius as usize).saturating_mul(2).saturating_add(1);
    let norm = LocalResponseNorm::undivided(size, number("alpha", 1.0)?, number("beta", 0.5)?, number("bias", 1.0)?);
    let node = to.node("", &[input], norm, Vec::new())?;
    Ok(input.at(node))
}

/// `x[..., a:b]`, or `x[:, :, :, a:b]`.
fn slice(to: &mut Transcriber<'_>, layer: &Layer, input: &Value, index: Option<&Json>) -> Result<Value> {
    let wrong = || layer.refuse("an index that isn't a range of channels");
    let parts = index.and_then(Json::as_array).map(Vec::as_slice).unwrap_or_default();
    let is_ellipsis = |part: &Json| part.get("class_name").and_then(Json::as_str) == Some("__ellipsis__");
    let bound = |part: &Json, key: &str| {
        let part = part.get("config").unwrap_or(part);
        part.get(key).filter(|json| !json.is_null()).cloned()
    };
    let keys = ["start", "stop", "step"];
    // Where in a complete index the channels stand, from the end; an ellipsis is as long as it has to be.
    let from_end = match (input.kind, to.channels_first) {
        (Kind::Map, true) => 3,
        (Kind::Map, false) | (Kind::Vector, _) => 1,
        (Kind::ChannelsBroughtFirst, _) => return Err(wrong()),
    };
    let rank = if input.kind == Kind::Vector { 2 } else { 4 };
    let complete = parts.first().is_some_and(is_ellipsis) || parts.len() == rank;
    let at = parts.len().checked_sub(from_end).filter(|_| complete).ok_or_else(wrong)?;
    let others = parts.iter().enumerate().filter(|(index, _)| *index != at);
    let whole = |part: &Json| is_ellipsis(part) || keys.iter().all(|key| bound(part, key).is_none());
    if !others.into_iter().all(|(_, part)| whole(part)) {
        return Err(wrong());
    }
    let part = parts.get(at).filter(|part| !is_ellipsis(part)).ok_or_else(wrong)?;
    if bound(part, "step").is_some_and(|step| step != 1) {
        return Err(wrong());
    }
    let number = |key: &str| match bound(part, key) {
        None => Ok(None),
        Some(json) => json.as_i64().map(Some).ok_or_else(wrong),
    };
    let channels = input.channels.ok_or_else(wrong)?;
    // Python counts from the end what is below zero, and cuts off what is beyond.
    let place = |number: i64| -> usize {
        let length = i64::try_from(channels).unwrap_or(i64::MAX);
        let from_start = if number < 0 { number.saturating_add(length) } else { number };
        usize::try_from(from_start.clamp(0, length)).unwrap_or_default()
    };
    let start = number("start")?.map_or(0, place);
    let end = number("stop")?.map_or(channels, place);
    channels_of(to, "", input, start, end)
}

/// Equal parts, parts of given sizes (`by_size`, TensorFlow), or parts that begin at given places (NumPy and Keras 3).
fn split(
    to: &mut Transcriber<'_>,
    layer: &Layer,
    input: &Value,
    parts: Option<&Json>,
    axis: Option<&Json>,
    by_size: bool,
) -> Result<Vec<Value>> {
    let axis = axis.and_then(Json::as_i64).unwrap_or(0);
    let wrong = || layer.refuse("parts that aren't whole ranges of channels");
    if !is_channel_axis(axis, to.channels_first, input) {
        return Err(wrong());
    }
    let channels = input.channels.ok_or_else(wrong)?;
    let size = |json: &Json| json.as_u64().and_then(|size| usize::try_from(size).ok()).ok_or_else(wrong);
    let mut ends: Vec<usize> = Vec::new();
    match parts {
        Some(Json::Array(list)) => {
            for part in list {
                let before = ends.last().copied().unwrap_or(0);
                ends.push(if by_size { before.saturating_add(size(part)?) } else { size(part)? });
            }
            if !by_size {
                ends.push(channels);
            }
        }
        Some(count) => {
            let count = size(count)?;
            let each = channels.checked_div(count).filter(|each| each.checked_mul(count) == Some(channels));
            let each = each.filter(|each| *each > 0).ok_or_else(wrong)?;
            ends.extend((1..=count).map(|part| part.saturating_mul(each)));
        }
        None => return Err(wrong()),
    }
    if ends.last() != Some(&channels) {
        return Err(wrong());
    }
    let starts: Vec<usize> = std::iter::once(0).chain(ends.iter().copied()).collect();
    let parts = starts.into_iter().zip(ends).enumerate();
    parts.map(|(index, (start, end))| channels_of(to, &format!("/{index}"), input, start, end)).collect()
}

fn channels_of(to: &mut Transcriber<'_>, suffix: &str, input: &Value, start: usize, end: usize) -> Result<Value> {
    let count = end.checked_sub(start).filter(|count| *count > 0);
    let count = count.ok_or_else(|| Error::malformed(format!("channels {start} to {end} are none")))?;
    let node = to.node(suffix, &[input], NodeOp::Slice { start, end }, Vec::new())?;
    Ok(Value { channels: Some(count), ..input.at(node) })
}

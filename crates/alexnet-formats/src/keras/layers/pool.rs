use super::super::model::Layer;
use super::super::transcribe::Transcriber;
use super::super::value::{Kind, Value};
use super::convolution::padded;
use crate::{Error, Result};
use alexnet_spec::layers::{AdaptiveAvgPool2d, Flatten, MaxPool2d, Rounding};

/// The largest of each window.
pub(super) fn max(to: &mut Transcriber<'_>, layer: &Layer, input: &Value) -> Result<Value> {
    if input.kind != Kind::Map {
        return Err(Error::refused("a pool of what isn't a map"));
    }
    if input.is_padded() && !input.positive {
        return Err(Error::refused("pools zeros around a map that may be below zero, where they could win")
            .with_remedy(super::super::BY_NAMES));
    }
    let kernel = layer.pair("pool_size", Some([2, 2]))?;
    let stride = layer.pair("strides", Some(kernel))?;
    let pool = MaxPool2d { kernel, stride, pads: input.pads, rounding: Rounding::Floor };
    let op = padded(to, layer, pool.into(), kernel, input)?;
    let node = to.unpadded_node("", &[input], op, Vec::new())?;
    Ok(Value { pads: [0; 4], ..input.at(node) })
}

/// The mean of each channel, as a vector.
pub(super) fn global_average(to: &mut Transcriber<'_>, layer: &Layer, input: &Value) -> Result<Value> {
    if input.kind != Kind::Map || layer.flag("keepdims", false)? {
        return Err(layer.refuse("anything but a map for input and a vector for output"));
    }
    let pool = to.node("", &[input], AdaptiveAvgPool2d { output: [1, 1] }, Vec::new())?;
    let node = to.node("/flatten", &[&input.at(pool)], Flatten {}, Vec::new())?;
    Ok(Value { kind: Kind::Vector, ..input.at(node) })
}

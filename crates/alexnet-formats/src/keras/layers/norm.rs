use super::super::model::Layer;
use super::super::transcribe::Transcriber;
use super::super::value::Value;
use super::shape::is_channel_axis;
use crate::Result;
use alexnet_spec::Transform;
use alexnet_spec::layers::BatchNorm2d;

/// Batch normalisation by the running statistics: gamma, beta, mean and variance, of which the first two may be missing.
pub(super) fn batch(to: &mut Transcriber<'_>, layer: &Layer, input: &Value) -> Result<Value> {
    let axis = match layer.setting("axis") {
        Some(axis) => axis.get(0).unwrap_or(axis).as_i64(),
        None => Some(-1),
    };
    if !axis.is_some_and(|axis| is_channel_axis(axis, to.channels_first, input)) {
        return Err(layer.refuse("an `axis` that isn't the channels'"));
    }
    let mode = layer.setting("mode").and_then(serde_json::Value::as_u64);
    if mode.is_some_and(|mode| mode != 0) {
        return Err(layer.refuse("a `mode` other than 0"));
    }
    let flags = [("weight", layer.flag("scale", true)?), ("bias", layer.flag("center", true)?)];
    let roles = flags.into_iter().filter(|(_, there)| *there).map(|(role, _)| role);
    let roles: Vec<&'static str> = roles.chain(["running_mean", "running_var"]).collect();
    let weights = to.weights(roles.len())?.into_iter();
    let operands =
        roles.into_iter().zip(weights).map(|(role, weight)| Transcriber::operand(role, weight, Transform::Identity));
    let node = to.node("", &[input], BatchNorm2d { eps: layer.number("epsilon", 1e-3)? }, operands.collect())?;
    Ok(Value { positive: false, ..input.at(node) })
}

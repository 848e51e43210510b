use super::super::model::Layer;
use super::super::transcribe::Transcriber;
use super::super::value::Value;
use super::shape::is_channel_axis;
use crate::{Error, Result};
use alexnet_spec::graph::NodeOp;
use serde_json::Value as Json;

/// The channels of several values, one after the other.
pub(super) fn concatenate(to: &mut Transcriber<'_>, layer: &Layer, inputs: &[Value]) -> Result<Value> {
    let Some(first) = inputs.first() else { return Err(Error::malformed("a concatenation of nothing")) };
    let axis = layer.setting("axis").map_or(Some(-1), Json::as_i64);
    let fits = |input: &Value| axis.is_some_and(|axis| is_channel_axis(axis, to.channels_first, input));
    if !inputs.iter().all(|input| input.kind == first.kind && fits(input)) {
        return Err(layer.refuse("an `axis` that isn't the channels'"));
    }
    let channels = inputs.iter().try_fold(0usize, |sum, input| sum.checked_add(input.channels?));
    let node = to.node("", &inputs.iter().collect::<Vec<_>>(), NodeOp::Concat, Vec::new())?;
    Ok(Value { channels, positive: inputs.iter().all(|input| input.positive), ..first.at(node) })
}

use super::super::model::Layer;
use super::super::settings::print;
use super::super::transcribe::Transcriber;
use super::super::value::{Kind, Value};
use crate::Result;
use alexnet_spec::layers::{Relu, Softmax};
use serde_json::{Value as Json, json};

/// What the argument `activation` names.
pub(super) fn named(to: &mut Transcriber<'_>, suffix: &str, layer: &Layer, input: &Value) -> Result<Value> {
    let Some(json) = layer.setting("activation") else { return Ok(input.clone()) };
    // Some versions wrap the name: {"class_name": "function", "config": "relu"}.
    let name = json.as_str().or_else(|| json.get("config").and_then(Json::as_str));
    match name {
        Some("linear") => Ok(input.clone()),
        Some("relu") => relu(to, suffix, input),
        Some("softmax") => softmax(to, suffix, input),
        _ => Err(layer.refuse(&format!("`activation` {}", print(json)))),
    }
}

/// A layer of class `ReLU`, which may be cut off or leak.
pub(super) fn relu_layer(to: &mut Transcriber<'_>, layer: &Layer, input: &Value) -> Result<Value> {
    for key in ["negative_slope", "threshold"] {
        layer.must_be(key, &[json!(0.0), json!(0), json!([0.0])])?;
    }
    layer.must_be("max_value", &[])?;
    relu(to, "", input)
}

/// A layer of class `Softmax`.
pub(super) fn softmax_layer(to: &mut Transcriber<'_>, layer: &Layer, input: &Value) -> Result<Value> {
    layer.must_be("axis", &[json!(-1), json!(1)])?;
    softmax(to, "", input)
}

/// Zeros around a map stay zeros.
pub(super) fn relu(to: &mut Transcriber<'_>, suffix: &str, input: &Value) -> Result<Value> {
    let node = to.unpadded_node(suffix, &[input], Relu {}.into(), Vec::new())?;
    Ok(Value { positive: true, ..input.at(node) })
}

pub(super) fn softmax(to: &mut Transcriber<'_>, suffix: &str, input: &Value) -> Result<Value> {
    if input.kind != Kind::Vector {
        return Err(crate::Error::refused("a softmax of a map isn't converted"));
    }
    let node = to.node(suffix, &[input], Softmax {}, Vec::new())?;
    Ok(Value { positive: true, ..input.at(node) })
}

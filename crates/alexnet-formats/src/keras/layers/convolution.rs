use super::super::model::Layer;
use super::super::transcribe::Transcriber;
use super::super::value::{Kind, Value};
use super::activation;
use crate::{Error, Result};
use alexnet_spec::Transform;
use alexnet_spec::graph::NodeOp;
use alexnet_spec::layers::Conv2d;
use serde_json::json;

/// A convolution, and the activation that it may end with.
pub(super) fn conv2d(to: &mut Transcriber<'_>, layer: &Layer, input: &Value) -> Result<Value> {
    if input.kind != Kind::Map {
        return Err(Error::refused("a convolution of what isn't a map"));
    }
    layer.must_be("dilation_rate", &[json!([1, 1]), json!(1)])?;
    let biased = layer.flag("use_bias", true)?;
    let kernel = layer.pair("kernel_size", None)?;
    let groups = if layer.setting("groups").is_some() { layer.size("groups")? } else { 1 };
    let stride = layer.pair("strides", Some([1, 1]))?;
    let conv = Conv2d { out: layer.size("filters")?, kernel, stride, pads: input.pads, groups };
    let (out, op) = (conv.out, padded(to, layer, conv.into(), kernel, input)?);
    let mut weights = to.weights(if biased { 2 } else { 1 })?.into_iter();
    // HWIO but in Keras 1's `th`; and what a true convolution correlates with.
    let mut steps = Vec::new();
    if !to.flavour.oihw {
        steps.push(Transform::Permute(vec![3, 2, 0, 1]));
    }
    if to.flavour.convolves {
        steps.push(Transform::Flip180);
    }
    let transform = match steps.as_slice() {
        [] => Transform::Identity,
        [step] => step.clone(),
        _ => Transform::Chain(steps),
    };
    let mut operands = Vec::new();
    operands.extend(weights.next().map(|weight| Transcriber::operand("weight", weight, transform)));
    operands.extend(weights.next().map(|bias| Transcriber::operand("bias", bias, Transform::Identity)));
    let node = to.unpadded_node("", &[input], op, operands)?;
    let value = Value { node, kind: Kind::Map, channels: Some(out), pads: [0; 4], positive: false };
    activation::named(to, "/activation", layer, &value)
}

/// The op with the padding that `padding` asks for.
pub(super) fn padded(
    to: &Transcriber<'_>,
    layer: &Layer,
    mut op: alexnet_spec::Op,
    kernel: [usize; 2],
    input: &Value,
) -> Result<NodeOp> {
    match layer.word("padding", "valid")? {
        "valid" => Ok(NodeOp::Layer(op)),
        "same" if input.is_padded() => Err(layer.refuse("`padding` \"same\" after a ZeroPadding2D")),
        // Theano pads by half the kernel on each side, wherever TensorFlow pads less (`conv2d` of Keras's Theano backend).
        "same" if to.flavour.convolves => {
            let [height, width] = kernel.map(|size| size / 2);
            if kernel.iter().any(|size| size % 2 == 0) {
                return Err(layer.refuse("`padding` \"same\" and an even kernel on Theano"));
            }
            match &mut op {
                alexnet_spec::Op::Conv2d(conv) => conv.pads = [height, width, height, width],
                alexnet_spec::Op::MaxPool2d(pool) if kernel == [3, 3] => pool.pads = [1; 4],
                _ => return Err(layer.refuse("`padding` \"same\" and another kernel than 3x3 on Theano")),
            }
            Ok(NodeOp::Layer(op))
        }
        "same" => Ok(NodeOp::Same(op)),
        other => Err(layer.refuse(&format!("`padding` \"{}\"", other.escape_debug()))),
    }
}

/// Zeros around a map. They become the padding of the layer that reads them.
pub(super) fn zero_padding(layer: &Layer, input: &Value) -> Result<Value> {
    if input.kind != Kind::Map {
        return Err(Error::refused("zeros around what isn't a map"));
    }
    let wrong = || layer.odd("padding", "[[top, bottom], [left, right]]");
    let sides = |json: Option<&serde_json::Value>| -> Option<[usize; 2]> {
        let json = json?;
        let size = |json: &serde_json::Value| json.as_u64().and_then(|size| usize::try_from(size).ok());
        match (size(json), json.as_array().map(Vec::as_slice)) {
            (Some(both), _) => Some([both, both]),
            (None, Some([before, after])) => Some([size(before)?, size(after)?]),
            _ => None,
        }
    };
    let padding = layer.setting("padding").ok_or_else(wrong)?;
    let (rows, columns) = match padding.is_u64() {
        true => (Some(padding), Some(padding)),
        false => (padding.get(0), padding.get(1)),
    };
    let ([top, bottom], [left, right]) = sides(rows).zip(sides(columns)).ok_or_else(wrong)?;
    let mut value = input.clone();
    for (pad, more) in value.pads.iter_mut().zip([top, left, bottom, right]) {
        *pad = pad.checked_add(more).ok_or_else(wrong)?;
    }
    Ok(value)
}

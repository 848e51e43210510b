use super::builder::{Builder, Extent, Output};
use super::layer::{Layer, to_number};
use crate::shown::shown;
use crate::{Error, Result};
use alexnet_spec::graph::NodeOp;
use alexnet_spec::layers::{Dropout, Relu, Softmax};

/// An activation function, as a layer of its own: `neuron=relu` on a layer is split off to `NAME_neuron` by every program.
pub(super) fn neuron(builder: &mut Builder<'_>, layer: &Layer<'_>) -> Result<Output> {
    let input = builder.only_input(layer)?;
    let neuron = layer.get("neuron").ok_or_else(|| layer.wrong("neuron", "a dictionary"))?;
    let heap = layer.heap();
    let parameters = heap.lookup(neuron, "params");
    let parameter = |name: &str| to_number(heap, heap.lookup(parameters?, name)?);
    let kind = heap.lookup(neuron, "type").and_then(|kind| heap.str(kind));
    let op: NodeOp = match kind.ok_or_else(|| layer.wrong("neuron", "a dictionary with a type"))? {
        "relu" => Relu {}.into(),
        "ident" => NodeOp::Identity,
        "linear" if parameter("a") == Some(1.0) && parameter("b") == Some(0.0) => NodeOp::Identity,
        // DeCAF's own: scaled in training, and `d` is what is kept (`decaf/layers/dropout.py`).
        "dropout" => match parameter("d") {
            Some(keep) if keep > 0.0 && keep <= 1.0 => Dropout { p: 1.0 - keep }.into(),
            _ => return Err(Error::malformed("a dropout without a `d` above 0 and up to 1")),
        },
        other => {
            let other = shown(other.as_bytes());
            return Err(Error::refused(format!("an activation function `{other}`; `relu` is what is converted")));
        }
    };
    Ok(builder.push(layer, vec![input.node], op, input.extent))
}

/// `hs` and `dropout2`: at test time every feature times the probability with which it is kept in training, whether or not
/// dropping was enabled. That factor taken apart, it is dropout as ours.
pub(super) fn scaled_dropout(builder: &mut Builder<'_>, layer: &Layer<'_>) -> Result<Output> {
    let input = builder.only_input(layer)?;
    let keep = keep(layer)?;
    let kept = builder.push_beside(layer, "keep", vec![input.node], NodeOp::Scale(keep));
    Ok(builder.push(layer, vec![kept], Dropout { p: 1.0 - keep }, input.extent))
}

/// cuda-convnet2's `dropout`, which scales in training and does nothing at test time.
pub(super) fn dropout(builder: &mut Builder<'_>, layer: &Layer<'_>) -> Result<Output> {
    let input = builder.only_input(layer)?;
    let op = Dropout { p: 1.0 - keep(layer)? };
    Ok(builder.push(layer, vec![input.node], op, input.extent))
}

pub(super) fn softmax(builder: &mut Builder<'_>, layer: &Layer<'_>) -> Result<Output> {
    let input = builder.only_input(layer)?;
    Ok(builder.push(layer, vec![input.node], Softmax {}, input.extent))
}

/// Inputs one after the other: `concat`, and `pass`, which moves them to other GPUs besides.
pub(super) fn concat(builder: &mut Builder<'_>, layer: &Layer<'_>) -> Result<Output> {
    let inputs: Vec<Output> =
        (0..layer.inputs.len()).map(|index| builder.input(layer, index)).collect::<Result<_>>()?;
    let Some((first, rest)) = inputs.split_first() else { return Err(Error::malformed("has no inputs")) };
    let joined = rest.iter().try_fold(first.extent, |joined, input| match (joined, input.extent) {
        (Extent::Features(one), Extent::Features(other)) => Some(Extent::Features(one.checked_add(other)?)),
        (Extent::Maps { channels, size }, Extent::Maps { channels: more, size: same }) if size == same => {
            Some(Extent::Maps { channels: channels.checked_add(more)?, size })
        }
        _ => None,
    });
    let joined =
        joined.ok_or_else(|| Error::refused("puts maps of different sizes, or maps and features, together"))?;
    let op = if rest.is_empty() { NodeOp::Identity } else { NodeOp::Concat };
    Ok(builder.push(layer, inputs.into_iter().map(|input| input.node).collect(), op, joined))
}

/// A fork's `dropout` on a layer of any type: what is dropped in training; the rest is scaled at test time, after the layer.
pub(super) fn dropout_within(builder: &mut Builder<'_>, layer: &Layer<'_>, output: Output) -> Result<Output> {
    let dropped = layer.number_or("dropout", 0.0)?;
    match dropped {
        0.0 => Ok(output),
        dropped if dropped > 0.0 && dropped < 1.0 => {
            let node = builder.push_beside(layer, "dropout", vec![output.node], NodeOp::Scale(1.0 - dropped));
            Ok(Output { node, extent: output.extent })
        }
        _ => Err(Error::malformed(format!("drops {dropped} of its features; it must be from 0 to below 1"))),
    }
}

fn keep(layer: &Layer<'_>) -> Result<f64> {
    let keep = layer.number("keep")?;
    match keep > 0.0 && keep <= 1.0 {
        true => Ok(keep),
        false => Err(Error::malformed(format!("keeps {keep} of its features; it must be above 0 and at most 1"))),
    }
}

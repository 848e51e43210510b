use super::builder::{Builder, Extent, Output};
use super::conv::bias;
use super::layer::Layer;
use crate::{Error, Result};
use alexnet_spec::Transform;
use alexnet_spec::graph::{NodeOp, Operand};
use alexnet_spec::layers::{Flatten, Linear};

/// A fully connected layer, whose weights are a matrix `(features, outputs)` for each input, in the order of its inputs.
pub(super) fn fc(builder: &mut Builder<'_>, layer: &Layer<'_>) -> Result<Output> {
    let outputs = layer.count("outputs")?;
    let values = layer.list("weights")?;
    if values.is_empty() || values.len() != layer.inputs.len() {
        let message = format!("{} inputs, but weights for {}", layer.inputs.len(), values.len());
        return Err(Error::malformed(message));
    }
    let (mut sources, mut tensors) = (Vec::new(), Vec::new());
    for (index, value) in values.iter().enumerate() {
        let name = format!("{}.weights[{index}]", layer.name);
        let tensor = builder.tensor(*value, name.clone())?;
        let features = builder.input(layer, index)?.extent.features();
        if features.is_none_or(|features| tensor.shape() != [features, outputs]) {
            return Err(Error::malformed(format!(
                "weights of shape {:?} for {} features and {outputs} outputs",
                tensor.shape(),
                features.unwrap_or_default()
            ))
            .at(format!("tensor `{name}`")));
        }
        sources.push(name);
        tensors.push(tensor);
    }
    let bias = bias(builder, layer, outputs)?;
    let transform = match tensors.len() {
        1 => Transform::Transpose,
        _ => Transform::Chain(vec![Transform::ConcatenateAlong(0), Transform::Transpose]),
    };
    let input = features(builder, layer)?;
    let output = builder.push(layer, vec![input], Linear { out: outputs }, Extent::Features(outputs));
    if let Some(node) = builder.nodes.last_mut() {
        node.operands = vec![Operand { role: "weight", sources, tensors, transform }, bias];
    }
    Ok(output)
}

/// The features of all inputs, one after the other. Maps of one size are put together before they are flattened, channel by
/// channel as cuda-convnet has them, which is the same: so two towers stay recognisable.
fn features(builder: &mut Builder<'_>, layer: &Layer<'_>) -> Result<String> {
    let inputs: Vec<Output> =
        (0..layer.inputs.len()).map(|index| builder.input(layer, index)).collect::<Result<_>>()?;
    let size = |input: &Output| match input.extent {
        Extent::Maps { size, .. } => Some(size),
        _ => None,
    };
    if inputs.iter().any(|input| matches!(input.extent, Extent::Data(_))) {
        return Err(Error::refused("is fully connected to the image, which no network of ours has"));
    }
    let first = inputs.first().and_then(size);
    let alike = inputs.iter().all(|input| size(input) == first);
    let mut nodes = Vec::new();
    for input in inputs {
        let flat = alike || size(&input).is_none();
        nodes.push(if flat { input.node } else { builder.push_beside(layer, "flat", vec![input.node], Flatten {}) });
    }
    let joined = match nodes.as_slice() {
        [only] => only.clone(),
        _ => builder.push_beside(layer, "inputs", nodes, NodeOp::Concat),
    };
    Ok(match alike && first.is_some() {
        true => builder.push_beside(layer, "flat", vec![joined], Flatten {}),
        false => joined,
    })
}

use super::builder::{Builder, Extent, Output};
use super::layer::Layer;
use crate::{Error, Result};
use alexnet_spec::graph::{NodeOp, Operand};
use alexnet_spec::layers::Conv2d;
use alexnet_spec::{Tensor, Transform};

/// What must be the same for all inputs, for them to be the channels of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Geometry {
    size: usize,
    kernel: usize,
    stride: usize,
    /// Pixels before the first row and column; stored negated, as the offset of the first window.
    before: usize,
    groups: usize,
}

impl Geometry {
    fn of(layer: &Layer<'_>, index: usize) -> Result<Geometry> {
        let offset = layer.integer_of("padding", index)?;
        let before = offset.checked_neg().and_then(|before| usize::try_from(before).ok());
        Ok(Geometry {
            size: layer.count_of("imgSize", index)?,
            kernel: layer.count_of("filterSize", index)?,
            stride: layer.count_of("stride", index)?,
            before: before.ok_or_else(|| {
                Error::refused(format!("its first window begins at pixel {offset}, which leaves pixels out"))
            })?,
            groups: layer.count_of("groups", index)?,
        })
    }

    /// Pixels after the last row and column: the number of windows is rounded up, and the last one ends beyond the image.
    fn after(&self, windows: usize) -> Result<usize> {
        let reach = windows.saturating_sub(1).saturating_mul(self.stride).saturating_add(self.kernel);
        let held = self.size.saturating_add(self.before);
        match reach.checked_sub(held) {
            Some(after) => Ok(after),
            // Pixels that no window reaches, but less than a step of them.
            None if held.saturating_sub(reach) < self.stride => Ok(0),
            None => Err(Error::refused(format!("its {windows}x{windows} windows leave a part of the image out"))),
        }
    }
}

/// A convolution, whose weights are `(channels * kernel * kernel, filters)`: several inputs, each with weights of its own, are
/// one input of all their channels.
pub(super) fn conv(builder: &mut Builder<'_>, layer: &Layer<'_>) -> Result<Output> {
    let (filters, windows) = (layer.count("filters")?, layer.count("modulesX")?);
    if layer.flag("randSparse", false)? {
        return Err(Error::refused("has random sparse connections (randSparse), which no network of ours has"));
    }
    if !layer.flag("sharedBiases", true)? {
        return Err(Error::refused("has a bias for every pixel (sharedBiases = 0), which no network of ours has"));
    }
    if layer.inputs.is_empty() {
        return Err(Error::malformed("has no inputs"));
    }
    let geometry = Geometry::of(layer, 0)?;
    let mut inputs = Vec::new();
    for index in 0..layer.inputs.len() {
        if Geometry::of(layer, index)? != geometry {
            return Err(Error::refused("has inputs with kernels, strides, paddings or groups of their own"));
        }
        inputs.push(builder.maps(layer, index, layer.count_of("channels", index)?, geometry.size)?);
    }
    if inputs.len() > 1 && geometry.groups > 1 {
        return Err(Error::refused("has several inputs, each in groups"));
    }
    let (sources, weights) = weights(builder, layer, geometry, filters)?;
    let bias = bias(builder, layer, filters)?;

    let channels_last = Transform::Permute(vec![3, 0, 1, 2]);
    let (input, transform) = match inputs.as_slice() {
        [only] => (only.clone(), channels_last),
        _ => (
            builder.push_beside(layer, "inputs", inputs, NodeOp::Concat),
            Transform::Chain(vec![Transform::ConcatenateAlong(0), channels_last]),
        ),
    };
    let Geometry { kernel, stride, before, groups, .. } = geometry;
    let after = geometry.after(windows)?;
    let op =
        Conv2d { out: filters, kernel: [kernel; 2], stride: [stride; 2], pads: [before, before, after, after], groups };
    let output = builder.push(layer, vec![input], op, Extent::Maps { channels: filters, size: windows });
    if let Some(node) = builder.nodes.last_mut() {
        node.operands = vec![Operand { role: "weight", sources, tensors: weights, transform }, bias];
    }
    Ok(output)
}

/// The weights of each input as `[channels, kernel, kernel, filters]`, with their names.
fn weights(
    builder: &mut Builder<'_>,
    layer: &Layer<'_>,
    geometry: Geometry,
    filters: usize,
) -> Result<(Vec<String>, Vec<Tensor>)> {
    let values = layer.list("weights")?;
    if values.len() != layer.inputs.len() {
        let message = format!("{} inputs, but weights for {}", layer.inputs.len(), values.len());
        return Err(Error::malformed(message));
    }
    let (mut sources, mut tensors) = (Vec::new(), Vec::new());
    for (index, value) in values.iter().enumerate() {
        let name = format!("{}.weights[{index}]", layer.name);
        let tensor = builder.tensor(*value, name.clone())?;
        let channels = layer.count_of("channels", index)?;
        let Some(each) = channels.checked_div(geometry.groups).filter(|_| channels.is_multiple_of(geometry.groups))
        else {
            return Err(Error::malformed(format!("{channels} channels in {} groups", geometry.groups)));
        };
        let rows = geometry.kernel.checked_mul(geometry.kernel).and_then(|pixels| pixels.checked_mul(each));
        if rows.is_none_or(|rows| tensor.shape() != [rows, filters]) {
            return Err(Error::malformed(format!(
                "weights of shape {:?} for {each} channels of {kernel}x{kernel} and {filters} filters",
                tensor.shape(),
                kernel = geometry.kernel
            ))
            .at(format!("tensor `{name}`")));
        }
        tensors.push(tensor.reshape(&[each, geometry.kernel, geometry.kernel, filters])?);
        sources.push(name);
    }
    Ok((sources, tensors))
}

/// The biases of a convolution, `(filters, 1)`, or of a fully connected layer, `(1, outputs)`.
pub(super) fn bias(builder: &mut Builder<'_>, layer: &Layer<'_>, outputs: usize) -> Result<Operand> {
    let value = layer.get("biases").ok_or_else(|| layer.wrong("biases", "an array"))?;
    let name = format!("{}.biases", layer.name);
    let tensor = builder.tensor(value, name.clone())?;
    if tensor.elements() != outputs || tensor.shape().iter().all(|size| *size != outputs) {
        let message = format!("biases of shape {:?} for {outputs} outputs", tensor.shape());
        return Err(Error::malformed(message).at(format!("tensor `{name}`")));
    }
    Ok(Operand::new("bias", name, tensor.reshape(&[outputs])?, Transform::Identity))
}

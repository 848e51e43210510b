//! The reference's side of a reduction: layers with their weights, computed by the candle model.

use crate::array::Array;
use alexnet::AlexNet;
use alexnet_spec::layers::Flatten;
use alexnet_spec::{
    ChannelOrder, Crop, Input, Interpolation, Labels, Layer, Mean, Network, Op, PixelRange, Preprocessing, Resize,
    Shape, Tensor, Weights,
};
use anyhow::{Context, Result, bail, ensure};
use candle_core::{DType, Device};
use std::collections::BTreeMap;
use std::ops::Range;

/// The layers between two values of a network.
#[derive(Clone)]
pub struct Reference {
    layers: Vec<Layer>,
    tensors: BTreeMap<String, Tensor>,
}

impl Reference {
    /// The layers of `network` that follow `after`, all from the first where it is `None`, up to `layer`.
    pub fn between(network: &Network, weights: &Weights, after: Option<&str>, layer: &str) -> Result<Reference> {
        let position = |name: &str| {
            let found = network.layers.iter().position(|layer| layer.name == name);
            found.with_context(|| format!("network `{}` has no layer `{name}`", network.name))
        };
        let start = after.map(position).transpose()?.map_or(0, |at| at + 1);
        let layers = network.layers.get(start..=position(layer)?).unwrap_or_default().to_vec();
        ensure!(!layers.is_empty(), "`{layer}` doesn't follow `{}`", after.unwrap_or("the input"));
        let own = |name: &str| layers.iter().any(|layer| name.rsplit_once('.').is_some_and(|(of, _)| of == layer.name));
        let tensors = weights.iter().filter(|(name, _)| own(name)).map(|(n, t)| (n.to_owned(), t.clone())).collect();
        Ok(Reference { layers, tensors })
    }

    /// What the layers make of `input`, a batch of maps or of vectors.
    pub fn compute(&self, input: &Array) -> Result<Array> {
        let network = self.network(&input.shape)?;
        let weights = Weights::new(&network, self.tensors.clone())?;
        let model = AlexNet::from_weights(&network, &weights, DType::F32, &Device::Cpu)?;
        let mut shape = input.shape.clone();
        shape.resize(4, 1);
        let mut last = None;
        model.forward_with_taps(&input.to_candle(&Device::Cpu)?.reshape(shape)?, &mut |_, value| {
            last = Some(value.clone());
            Ok(())
        })?;
        Ok(Array::from_candle(&last.context("a network without layers")?)?)
    }

    /// The layers as a network that takes inputs of `shape`; vectors come in as maps of one pixel.
    fn network(&self, shape: &[usize]) -> Result<Network> {
        let (channels, height, width) = match *shape {
            [_, features] => (features, 1, 1),
            [_, channels, height, width] => (channels, height, width),
            _ => bail!("an input of {shape:?} is neither maps nor vectors"),
        };
        let vectors = (shape.len() == 2).then(|| Layer::new("vector", Flatten {}));
        let network = Network {
            name: "reduced".into(),
            description: String::new(),
            input: Input { channels, height, width },
            preprocessing: Preprocessing {
                channel_order: ChannelOrder::Rgb,
                range: PixelRange::Byte,
                mean: Mean::PerChannel(vec![0.0; channels]),
                std: vec![1.0; channels],
                resize: Resize::Exact { height, width, interpolation: Interpolation::Bilinear },
                crop: Crop::default(),
                flip_vertical: false,
            },
            labels: Labels::Unknown,
            layers: vectors.into_iter().chain(self.layers.iter().cloned()).collect(),
        };
        network.trace()?;
        Ok(network)
    }

    /// The layers that give no more than the channels or features in `keep`, and the channels that they read; `None` for
    /// all of them. Nothing where a layer can't be taken apart so.
    pub fn keeping_outputs(&self, input: &[usize], keep: &Range<usize>) -> Option<(Reference, Option<Range<usize>>)> {
        let network = self.network(input).ok()?;
        let shapes: BTreeMap<&str, Shape> =
            network.trace().ok()?.into_iter().map(|step| (step.layer.name.as_str(), step.input)).collect();
        let mut kept = self.clone();
        let mut keep = keep.clone();
        for at in (0..kept.layers.len()).rev() {
            let Layer { name, op } = kept.layers.get_mut(at)?;
            let channels = match shapes.get(name.as_str())? {
                Shape::Map { channels, .. } => *channels,
                Shape::Vector(features) => *features,
            };
            match op {
                Op::Relu(_) | Op::Dropout(_) | Op::MaxPool2d(_) | Op::AdaptiveAvgPool2d(_) => {}
                Op::SpatialResponseNorm(_) | Op::Softmax(_) => {}
                Op::LocalResponseNorm(norm) => {
                    within_group(&keep, channels, norm.groups)?;
                    norm.groups = 1;
                }
                Op::BatchNorm2d(_) => narrow_all(&mut kept.tensors, name, &keep)?,
                Op::Flatten(_) => {
                    let Shape::Map { height, width, .. } = *shapes.get(name.as_str())? else { return None };
                    keep = whole_channels(&keep, height * width)?;
                }
                Op::Linear(linear) => {
                    linear.out = keep.len();
                    narrow_all(&mut kept.tensors, name, &keep)?;
                    return Some((kept, None));
                }
                Op::Conv2d(conv) => {
                    let inputs = match conv.groups {
                        1 => None,
                        groups => Some(share(within_group(&keep, conv.out, groups)?, channels, groups)?),
                    };
                    (conv.out, conv.groups) = (keep.len(), 1);
                    narrow_all(&mut kept.tensors, name, &keep)?;
                    match inputs {
                        Some(inputs) => keep = inputs,
                        None => return Some((kept, None)),
                    }
                }
                _ => return None,
            }
        }
        Some((kept, Some(keep)))
    }

    /// The layers for an input of which only the channels or features in `keep` are left.
    pub fn keeping_inputs(&self, input: &[usize], keep: &Range<usize>) -> Option<Reference> {
        let network = self.network(input).ok()?;
        let shapes: BTreeMap<&str, Shape> =
            network.trace().ok()?.into_iter().map(|step| (step.layer.name.as_str(), step.input)).collect();
        let mut kept = self.clone();
        let mut keep = keep.clone();
        for at in 0..kept.layers.len() {
            let Layer { name, op } = kept.layers.get(at)?;
            match op {
                Op::Relu(_) | Op::Dropout(_) | Op::MaxPool2d(_) | Op::AdaptiveAvgPool2d(_) => {}
                Op::SpatialResponseNorm(_) => {}
                Op::LocalResponseNorm(norm) if norm.groups == 1 => {}
                Op::BatchNorm2d(_) => narrow_all(&mut kept.tensors, name, &keep)?,
                Op::Flatten(_) => {
                    let Shape::Map { height, width, .. } = *shapes.get(name.as_str())? else { return None };
                    keep = keep.start * height * width..keep.end * height * width;
                }
                Op::Linear(_) => {
                    narrow(&mut kept.tensors, &format!("{name}.weight"), 1, &keep)?;
                    return Some(kept);
                }
                Op::Conv2d(conv) if conv.groups == 1 => {
                    narrow(&mut kept.tensors, &format!("{name}.weight"), 1, &keep)?;
                    return Some(kept);
                }
                _ => return None,
            }
        }
        Some(kept)
    }

    /// The rows and columns of the input that the place `at` of the output depends on, from a multiple of the strides on, so
    /// that the same place is computed from them alone; as far as they lie within an input of `size`.
    pub fn window(&self, at: [usize; 2], size: [usize; 2]) -> Option<[Range<usize>; 2]> {
        let mut windows = [at.map(|at| at as isize), at.map(|at| at as isize + 1)];
        let mut strides = [1isize; 2];
        for layer in self.layers.iter().rev() {
            let (kernel, stride, before) = match &layer.op {
                Op::Relu(_) | Op::Dropout(_) | Op::LocalResponseNorm(_) | Op::BatchNorm2d(_) => continue,
                Op::SpatialResponseNorm(norm) => ([norm.size; 2], [1; 2], [norm.reach().0; 2]),
                Op::Conv2d(conv) => (conv.kernel, conv.stride, [conv.pads[0], conv.pads[1]]),
                Op::MaxPool2d(pool) => (pool.kernel, pool.stride, [pool.pads[0], pool.pads[1]]),
                _ => return None,
            };
            for axis in 0..2 {
                let (stride, before) = (stride[axis] as isize, before[axis] as isize);
                windows[0][axis] = windows[0][axis] * stride - before;
                windows[1][axis] = (windows[1][axis] - 1) * stride - before + kernel[axis] as isize;
                strides[axis] *= stride;
            }
        }
        let [from, to] = windows;
        let range = |axis: usize| {
            let start = usize::try_from(from[axis].max(0) / strides[axis] * strides[axis]).ok()?;
            let end = usize::try_from(to[axis]).ok()?.min(size[axis]);
            (start < end).then_some(start..end)
        };
        Some([range(0)?, range(1)?])
    }

    /// The layers' names and kinds, for people.
    pub fn describe(&self) -> String {
        let names = self.layers.iter().map(|layer| format!("{} ({})", layer.name, layer.op.kind()));
        names.collect::<Vec<_>>().join(", ")
    }
}

/// The group of `groups` that holds all of `keep`, of `channels` channels.
fn within_group(keep: &Range<usize>, channels: usize, groups: usize) -> Option<usize> {
    let each = channels.checked_div(groups).filter(|each| *each > 0)?;
    let group = keep.start / each;
    (keep.end <= (group + 1) * each).then_some(group)
}

/// The channels of group `group` among `channels`.
fn share(group: usize, channels: usize, groups: usize) -> Option<Range<usize>> {
    let each = channels.checked_div(groups)?;
    Some(group * each..(group + 1) * each)
}

/// The channels whose `pixels` features each are exactly those in `features`.
fn whole_channels(features: &Range<usize>, pixels: usize) -> Option<Range<usize>> {
    let whole = pixels > 0 && features.start.is_multiple_of(pixels) && features.end.is_multiple_of(pixels);
    whole.then(|| features.start / pixels..features.end / pixels)
}

/// Narrows the first axis of all tensors of a layer.
fn narrow_all(tensors: &mut BTreeMap<String, Tensor>, layer: &str, keep: &Range<usize>) -> Option<()> {
    let of_layer = |name: &&String| name.rsplit_once('.').is_some_and(|(of, _)| of == layer);
    let names: Vec<String> = tensors.keys().filter(of_layer).cloned().collect();
    names.iter().try_for_each(|name| narrow(tensors, name, 0, keep))
}

fn narrow(tensors: &mut BTreeMap<String, Tensor>, name: &str, axis: usize, keep: &Range<usize>) -> Option<()> {
    let tensor = tensors.get_mut(name)?;
    *tensor = tensor.narrow(axis, keep.start, keep.len()).ok()?;
    Some(())
}

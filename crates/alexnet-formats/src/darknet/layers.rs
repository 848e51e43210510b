//! Section by section what Darknet computes, as its `parse_*` functions and `make_*_layer` have it.

use super::options::Section;
use super::plan::{Builder, Order, Plan};
use crate::{Error, Result};
use alexnet_spec::graph::Graph;
use alexnet_spec::layers::{BatchNorm2d, Conv2d, Dropout, Flatten, Linear, MaxPool2d, Relu, Rounding, Softmax};
use alexnet_spec::{ChannelOrder, Crop, Input, Interpolation, Labels, Mean, PixelRange, Preprocessing, Resize, Shape};

/// Of a batch normalisation: `normalize_kernel` and cuDNN's, with which networks are trained. The processor's code adds
/// 1e-6 to the root in place of 1e-5 beneath it.
const EPS: f64 = 1e-5;

const INPUT: &str = "image";

/// The network of a `.cfg`.
pub(super) fn plan(sections: &[Section]) -> Result<Plan> {
    let (net, layers) = match sections.split_first() {
        Some((net, layers)) if net.kind == "net" => (net, layers),
        _ => return Err(Error::malformed("doesn't begin with [net]").with_remedy("a Darknet .cfg for --cfg")),
    };
    let (crop, layers) = match layers.split_first() {
        Some((crop, rest)) if crop.kind == "crop" => (Some(crop), rest),
        _ => (None, layers),
    };
    let (input, preprocessing) = image(net, crop)?;
    let shape = Shape::Map { channels: input.channels, height: input.height, width: input.width };
    let graph = Graph {
        dialect: "darknet",
        name: None,
        input_name: INPUT.to_owned(),
        input: Some(input),
        preprocessing: Some(preprocessing),
        labels: None,
        nodes: Vec::new(),
        notes: Vec::new(),
    };
    let mut builder = Builder::new(graph, shape);
    for section in layers {
        layer(&mut builder, section)?;
    }
    // `data/imagenet.labels.list`, which Darknet's ImageNet networks are trained with, has the development kit's order.
    builder.plan.graph.labels = (builder.shape == Shape::Vector(1000)).then_some(Labels::Devkit);
    Ok(builder.plan)
}

/// The input and how images become it: `resize_min`, then the middle; RGB in 0 to 1 (`load_image_color`).
fn image(net: &Section, crop: Option<&Section>) -> Result<(Input, Preprocessing)> {
    let size = |section: &Section, name: &str, default: usize| {
        let value = section.number(name, default)?;
        if value > 0 { Ok(value) } else { Err(section.malformed(format!("{name} is missing or zero"))) }
    };
    let [channels, height, width] = [size(net, "channels", 0)?, size(net, "height", 0)?, size(net, "width", 0)?];
    let mut input = Input { channels, height, width };
    let (mut mean, mut std) = (0.0, 1.0);
    if let Some(crop) = crop {
        input.height = size(crop, "crop_height", 1)?;
        input.width = size(crop, "crop_width", 1)?;
        if input.height > height || input.width > width {
            return Err(crop.malformed(format!("crops {}x{} out of {height}x{width}", input.height, input.width)));
        }
        // `forward_crop_layer` makes 0 to 1 into -1 to 1.
        if !crop.flag("noadjust")? {
            (mean, std) = (0.5, 0.5);
        }
    }
    let preprocessing = Preprocessing {
        channel_order: ChannelOrder::Rgb,
        range: PixelRange::Unit,
        mean: Mean::PerChannel(vec![mean; channels]),
        std: vec![std; channels],
        resize: Resize::ShortSide { size: height.max(width), interpolation: Interpolation::Bilinear },
        crop: Crop::Center,
        flip_vertical: false,
    };
    Ok((input, preprocessing))
}

fn layer(builder: &mut Builder, section: &Section) -> Result<()> {
    for option in ["dontload", "numload", "dontloadscales", "binary", "xnor"] {
        if section.flag(option)? {
            return Err(section.refused(format!("{option}={}, which isn't converted", section.number(option, 0i64)?)));
        }
    }
    match section.kind.as_str() {
        "convolutional" => convolutional(builder, section),
        "connected" => connected(builder, section),
        "maxpool" => maxpool(builder, section),
        "batchnorm" => {
            let (Shape::Map { channels, .. } | Shape::Vector(channels)) = builder.shape;
            let statistics = statistics(builder, section, channels);
            normalise(builder, section, "", statistics, None)
        }
        "activation" => activation(builder, section, "linear"),
        "dropout" => {
            let p = section.number("probability", 0.5)?;
            builder.push(section, "", Dropout { p })
        }
        "softmax" => softmax(builder, section),
        // Of use in training alone.
        "cost" => Ok(()),
        "crop" => Err(section.refused("[crop] is converted only right after [net]")),
        kind => {
            let kind = crate::shown::shown(kind.as_bytes());
            Err(section.refused(format!("[{kind}] isn't a layer of the AlexNets that are converted")))
        }
    }
}

/// `parse_convolutional`; in the file biases, statistics, weights (`load_convolutional_weights`).
fn convolutional(builder: &mut Builder, section: &Section) -> Result<()> {
    let channels = channels(builder, section)?;
    let [out, size, stride, groups] = [
        section.number("filters", 1)?,
        section.number("size", 1)?,
        section.number("stride", 1)?,
        section.number("groups", 1)?,
    ];
    let pad = if section.flag("pad")? { half(size) } else { section.number("padding", 0)? };
    let conv = Conv2d { out, kernel: [size; 2], stride: [stride; 2], pads: [pad; 4], groups };
    builder.push(section, "", conv)?;

    let biases = builder.array(section, "biases", vec![out], Order::Rows);
    let statistics = section.flag("batch_normalize")?.then(|| statistics(builder, section, out));
    let order = match section.flag("flipped")? {
        true if groups != 1 => return Err(section.refused("flipped=1 with groups isn't converted")),
        true => Order::OutLast,
        false => Order::Rows,
    };
    let per_group = channels.checked_div(groups).unwrap_or_default();
    let weights = builder.array(section, "weights", vec![out, per_group, size, size], order);
    builder.operand("weight", weights);
    match statistics {
        Some(statistics) => normalise(builder, section, ".batchnorm", statistics, Some(biases))?,
        None => builder.operand("bias", biases),
    }
    activation(builder, section, "logistic")
}

/// `parse_connected`; in the file biases, weights, statistics (`load_connected_weights`).
fn connected(builder: &mut Builder, section: &Section) -> Result<()> {
    if matches!(builder.shape, Shape::Map { .. }) {
        builder.push(section, ".flatten", Flatten {})?;
    }
    let features = builder.shape.elements().unwrap_or_default();
    let out = section.number("output", 1)?;
    builder.push(section, "", Linear { out })?;
    let biases = builder.array(section, "biases", vec![out], Order::Rows);
    let weights = builder.array(section, "weights", vec![out, features], Order::AsHeaderSays);
    builder.operand("weight", weights);
    match section.flag("batch_normalize")? {
        true => {
            let statistics = statistics(builder, section, out);
            normalise(builder, section, ".batchnorm", statistics, Some(biases))?;
        }
        false => builder.operand("bias", biases),
    }
    activation(builder, section, "logistic")
}

/// `parse_maxpool`: what is missing of `padding` is as good as `size - 1`, and `forward_maxpool_layer` puts half of it,
/// rounded down, before the image and the rest behind it.
fn maxpool(builder: &mut Builder, section: &Section) -> Result<()> {
    let stride = section.number("stride", 1)?;
    let size: usize = section.number("size", stride)?;
    let padding: usize = section.number("padding", size.saturating_sub(1))?;
    let before = half(padding);
    let after = padding.saturating_sub(before);
    let pads = [before, before, after, after];
    builder.push(section, "", MaxPool2d { kernel: [size; 2], stride: [stride; 2], pads, rounding: Rounding::Floor })
}

fn softmax(builder: &mut Builder, section: &Section) -> Result<()> {
    if section.number("groups", 1usize)? != 1 || section.text("tree").is_some() {
        return Err(section.refused("a softmax of several groups or of a tree isn't converted"));
    }
    if section.number("temperature", 1.0)? != 1.0 {
        return Err(section.refused("a softmax with a temperature isn't converted"));
    }
    builder.push(section, "", Softmax {})
}

/// The scales, means and variances of a batch normalisation, which lie together in the file.
fn statistics(builder: &mut Builder, section: &Section, channels: usize) -> [(&'static str, usize); 3] {
    [("weight", "scales"), ("running_mean", "rolling_mean"), ("running_var", "rolling_variance")]
        .map(|(role, name)| (role, builder.array(section, name, vec![channels], Order::Rows)))
}

fn normalise(
    builder: &mut Builder,
    section: &Section,
    suffix: &str,
    statistics: [(&'static str, usize); 3],
    biases: Option<usize>,
) -> Result<()> {
    builder.push(section, suffix, BatchNorm2d { eps: EPS })?;
    for (role, array) in statistics.into_iter().chain(biases.map(|biases| ("bias", biases))) {
        builder.operand(role, array);
    }
    Ok(())
}

/// The activation at the end of a layer; Darknet's default is `logistic` nearly everywhere.
fn activation(builder: &mut Builder, section: &Section, default: &str) -> Result<()> {
    match section.text("activation").unwrap_or(default) {
        "linear" => Ok(()),
        "relu" => builder.push(section, ".relu", Relu {}),
        "ramp" => Err(section
            .refused("activation `ramp`, x + x / 10 above zero and x / 10 below, isn't converted")
            .with_remedy("training with relu, as Darknet's alexnet.cfg does since September 2016")),
        other => {
            let other = crate::shown::shown(other.as_bytes());
            Err(section.refused(format!("activation `{other}` isn't converted; relu and linear are")))
        }
    }
}

fn channels(builder: &Builder, section: &Section) -> Result<usize> {
    match builder.shape {
        Shape::Map { channels, .. } => Ok(channels),
        Shape::Vector(features) => {
            Err(section
                .malformed(format!("needs a map of channels, but what comes before it is a vector of {features}")))
        }
    }
}

fn half(size: usize) -> usize {
    size.checked_div(2).unwrap_or_default()
}

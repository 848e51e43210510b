//! What is drawn of a layer, whichever way the network runs.

use crate::{Layer, Network, Op, Result, Shape};

/// One thing in the picture.
pub(super) struct Figure {
    /// The layer's name, escaped.
    pub name: String,
    /// What it computes, in a few characters.
    pub what: String,
    /// What comes out; none for what changes no size and is drawn as a thin bar.
    pub output: Option<Shape>,
    /// Towers.
    pub groups: usize,
    /// Its colour.
    pub fill: &'static str,
}

/// The image and the layers, first to last. A layer that changes nothing at test time and no shape that shows is left out.
pub(super) fn figures(network: &Network) -> Result<Vec<Figure>> {
    let input = &network.input;
    let image = Shape::Map { channels: input.channels, height: input.height, width: input.width };
    let first = Figure { name: "image".into(), what: String::new(), output: Some(image), groups: 1, fill: "#f3f0e8" };
    let steps = network.trace()?;
    let layers = steps.iter().filter_map(|step| figure(step.layer, step.input, step.output));
    Ok(std::iter::once(first).chain(layers).collect())
}

fn figure(layer: &Layer, input: Shape, output: Shape) -> Option<Figure> {
    let shape = |what: String, groups: usize, fill: &'static str| {
        Some(Figure { name: escaped(&layer.name), what, output: Some(output), groups, fill })
    };
    let chip = |what: String, fill: &'static str| {
        Some(Figure { name: escaped(&layer.name), what, output: None, groups: 1, fill })
    };
    match &layer.op {
        Op::Conv2d(conv) => {
            let [height, width] = conv.kernel;
            let stride = if conv.stride == [1, 1] { String::new() } else { format!(" /{}", conv.stride[0]) };
            let pads = match conv.pads {
                [0, 0, 0, 0] => String::new(),
                [a, b, c, d] if a == b && b == c && c == d => format!(" pad {a}"),
                [top, left, bottom, right] => format!(" pad {top},{left},{bottom},{right}"),
            };
            shape(format!("{height}×{width}{stride}{pads}"), conv.groups, "#cfe3f7")
        }
        Op::Linear(_) => shape(String::new(), 1, "#d9ead3"),
        Op::MaxPool2d(pool) => {
            shape(format!("max {}×{} /{}", pool.kernel[0], pool.kernel[1], pool.stride[0]), 1, "#e8e8e8")
        }
        Op::AdaptiveAvgPool2d(_) if input == output => None,
        Op::AdaptiveAvgPool2d(_) => shape("mean".into(), 1, "#e8e8e8"),
        Op::LocalResponseNorm(norm) => {
            let alpha = (norm.effective_alpha() * 1e9).round() / 1e9;
            let towers = if norm.groups > 1 { ", in each tower" } else { "" };
            chip(format!("LRN {}, k {}, α′ {alpha:e}{towers}", norm.size, norm.k), "#f9cb9c")
        }
        Op::SpatialResponseNorm(norm) => chip(format!("spatial norm {0}×{0}", norm.size), "#f6b26b"),
        Op::BatchNorm2d(_) => chip("batch norm".into(), "#ffe599"),
        Op::Relu(_) => chip("ReLU".into(), "#ea9999"),
        Op::Dropout(dropout) => chip(format!("dropout {}", dropout.p), "#d9d2e9"),
        Op::Flatten(_) => None,
        Op::Softmax(_) => chip("softmax".into(), "#d5a6bd"),
    }
}

/// `55×55×96`, or the number of features.
pub(super) fn size(shape: Shape) -> String {
    match shape {
        Shape::Map { channels, height, width } => format!("{height}×{width}×{channels}"),
        Shape::Vector(features) => features.to_string(),
    }
}

/// The height of a map, or of the square that a vector would fill.
pub(super) fn side(shape: Shape) -> usize {
    match shape {
        Shape::Map { height, width, .. } => height.max(width),
        Shape::Vector(features) => features.isqrt(),
    }
}

pub(super) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

//! A network as a picture: one line of boxes, as high as the maps and as wide as the channels, towers split by a gap.

use crate::{Layer, Network, Op, Result, Shape};
use std::fmt::Write;

/// Between two things in the line, in pixels.
const GAP: f64 = 10.0;
/// Left of the line, where the first captions end.
const MARGIN: f64 = 130.0;
/// The middle of the line.
const AXIS: f64 = 150.0;
const HEIGHT: f64 = 450.0;

/// The network as an SVG image of its own: no scripts, no fonts, no references. It is drawn from the layers alone, so it
/// shows what is computed: the order of norm, pool and ReLU, groups, sizes.
///
/// Errs where the network is malformed, as [`Network::trace`] does.
///
/// ```
/// use alexnet_spec::{diagram, networks};
///
/// let svg = diagram::svg(&networks::get("caffenet").unwrap())?;
/// assert!(svg.starts_with("<svg") && svg.contains("conv1") && svg.contains("55×55×96"));
/// # Ok::<(), alexnet_spec::Error>(())
/// ```
pub fn svg(network: &Network) -> Result<String> {
    let steps = network.trace()?;
    let input = &network.input;
    let mut drawing = Drawing { body: String::new(), x: MARGIN };
    let image = Shape::Map { channels: input.channels, height: input.height, width: input.width };
    drawing.shape("image", "", &size(image), Block::of(image, 1, "#f3f0e8"));
    for step in &steps {
        drawing.layer(step.layer, step.input, step.output);
    }
    let width = drawing.x + 20.0;
    let title = escaped(&network.name);
    Ok(format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.0} {HEIGHT:.0}\" width=\"{width:.0}\" \
         height=\"{HEIGHT:.0}\" font-family=\"sans-serif\" font-size=\"11\" role=\"img\" aria-label=\"{title}\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n\
         <text x=\"20\" y=\"22\" font-size=\"15\" font-weight=\"bold\">{title}</text>\n{}</svg>\n",
        drawing.body
    ))
}

struct Drawing {
    body: String,
    /// Where the next thing begins.
    x: f64,
}

/// A box for an output.
struct Block {
    width: f64,
    height: f64,
    groups: usize,
    fill: &'static str,
}

impl Block {
    fn of(shape: Shape, groups: usize, fill: &'static str) -> Block {
        let (channels, side) = match shape {
            Shape::Map { channels, height, width } => (channels, height.max(width)),
            Shape::Vector(features) => (64, features.isqrt()),
        };
        // Square roots keep both a map of 224 and one of 6 visible.
        Block { width: 6.0 + 1.6 * (channels as f64).sqrt(), height: 12.0 + 12.0 * (side as f64).sqrt(), groups, fill }
    }
}

impl Drawing {
    fn layer(&mut self, layer: &Layer, input: Shape, output: Shape) {
        let name = escaped(&layer.name);
        match &layer.op {
            Op::Conv2d(conv) => {
                let [height, width] = conv.kernel;
                let stride = if conv.stride == [1, 1] { String::new() } else { format!(" /{}", conv.stride[0]) };
                let pads = match conv.pads {
                    [0, 0, 0, 0] => String::new(),
                    [a, b, c, d] if a == b && b == c && c == d => format!(" pad {a}"),
                    [top, left, bottom, right] => format!(" pad {top},{left},{bottom},{right}"),
                };
                let what = format!("{height}×{width}{stride}{pads}");
                self.shape(&name, &what, &size(output), Block::of(output, conv.groups, "#cfe3f7"));
            }
            Op::Linear(_) => self.shape(&name, "", &size(output), Block::of(output, 1, "#d9ead3")),
            Op::MaxPool2d(pool) => {
                let what = format!("max {}×{} /{}", pool.kernel[0], pool.kernel[1], pool.stride[0]);
                self.shape(&name, &what, &size(output), Block::of(output, 1, "#e8e8e8"));
            }
            Op::AdaptiveAvgPool2d(_) if input == output => {}
            Op::AdaptiveAvgPool2d(_) => self.shape(&name, "mean", &size(output), Block::of(output, 1, "#e8e8e8")),
            Op::LocalResponseNorm(norm) => {
                let alpha = (norm.effective_alpha() * 1e9).round() / 1e9;
                let towers = if norm.groups > 1 { ", in each tower" } else { "" };
                self.chip(&name, &format!("LRN {}, k {}, α′ {alpha:e}{towers}", norm.size, norm.k), "#f9cb9c");
            }
            Op::SpatialResponseNorm(norm) => self.chip(&name, &format!("spatial norm {0}×{0}", norm.size), "#f6b26b"),
            Op::BatchNorm2d(_) => self.chip(&name, "batch norm", "#ffe599"),
            Op::Relu(_) => self.chip(&name, "ReLU", "#ea9999"),
            Op::Dropout(dropout) => self.chip(&name, &format!("dropout {}", dropout.p), "#d9d2e9"),
            Op::Flatten(_) => {}
            Op::Softmax(_) => self.chip(&name, "softmax", "#d5a6bd"),
        }
    }

    /// A box with its name and size below.
    fn shape(&mut self, name: &str, what: &str, size: &str, block: Block) {
        let Block { width, height, groups, fill } = block;
        let groups = groups.clamp(1, 8);
        let each = height / groups as f64;
        for group in 0..groups {
            let y = AXIS - height / 2.0 + each * group as f64;
            let inset = if groups > 1 { 2.0 } else { 0.0 };
            let _ = writeln!(
                self.body,
                "<rect x=\"{:.1}\" y=\"{:.1}\" width=\"{width:.1}\" height=\"{:.1}\" fill=\"{fill}\" stroke=\"#444\"/>",
                self.x,
                y + inset,
                each - 2.0 * inset
            );
        }
        let middle = self.x + width / 2.0;
        self.caption(middle, &format!("<tspan font-weight=\"bold\">{name}</tspan> {what} → {size}"));
        self.x += width + GAP;
    }

    /// A thin bar for what changes no size.
    fn chip(&mut self, name: &str, what: &str, fill: &str) {
        let _ = writeln!(
            self.body,
            "<rect x=\"{:.1}\" y=\"{:.1}\" width=\"6\" height=\"70\" rx=\"3\" fill=\"{fill}\" stroke=\"#999\"/>",
            self.x,
            AXIS - 35.0
        );
        self.caption(self.x + 3.0, &format!("<tspan fill=\"#777\">{name} {what}</tspan>"));
        self.x += 6.0 + GAP;
    }

    /// Text below the line, turned so that neighbours don't meet.
    fn caption(&mut self, x: f64, text: &str) {
        let y = AXIS + 108.0;
        let _ = writeln!(
            self.body,
            "<text transform=\"translate({x:.1} {y:.1}) rotate(-58)\" text-anchor=\"end\" font-size=\"9.5\">{text}</text>"
        );
    }
}

/// `55×55×96`, or the number of features.
fn size(shape: Shape) -> String {
    match shape {
        Shape::Map { channels, height, width } => format!("{height}×{width}×{channels}"),
        Shape::Vector(features) => features.to_string(),
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

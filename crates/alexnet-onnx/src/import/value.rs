//! What a value of a graph is to the network that is read from it.

use super::averages::Rows;
use super::norm::Squares;
use super::normalised::Affine;
use alexnet_spec::layers::Pads;

/// A value that depends on the image.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Held {
    /// Features: what a node of the description computes, perhaps in other clothes.
    Map(Map),
    /// Something on the way from features to the divisor of their response norm.
    Squares(Squares),
    /// Features on the way through an adaptive pool.
    Rows(Rows),
}

/// The output of a node of the description, and how the graph's value shows it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Map {
    /// The node's name, or the input's.
    pub(crate) node: String,
    /// Where the channels are, while it is a map.
    pub(crate) layout: Layout,
    /// Into how many slices of channels it is cut, which lie in the batch.
    pub(crate) slices: usize,
    /// Zeros around it: top, left, bottom, right. Only a convolution can take them in.
    pub(crate) padding: Pads,
    /// What was done to the image's pixels before the first layer.
    pub(crate) normalised: Option<Affine>,
}

impl Map {
    /// The output of a node as it is.
    pub(crate) fn plain(node: impl Into<String>, layout: Layout) -> Map {
        Map { node: node.into(), layout, slices: 1, padding: [0; 4], normalised: None }
    }
}

/// The order of a map's axes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Layout {
    /// `[N, C, H, W]`: ONNX's own.
    ChannelsFirst,
    /// `[N, H, W, C]`: TensorFlow's.
    ChannelsLast,
}

impl Layout {
    /// The axis of the channels.
    pub(crate) fn channels(self) -> usize {
        match self {
            Layout::ChannelsFirst => 1,
            Layout::ChannelsLast => 3,
        }
    }

    /// The axes of height and width.
    pub(crate) fn pixels(self) -> [usize; 2] {
        match self {
            Layout::ChannelsFirst => [2, 3],
            Layout::ChannelsLast => [1, 2],
        }
    }
}

/// A float attribute as whoever set it wrote it: the shortest decimal number that is this float, so that 1e-4 is 1e-4 in
/// double precision too.
pub(crate) fn decimal(value: f32) -> f64 {
    value.to_string().parse().unwrap_or(f64::from(value))
}

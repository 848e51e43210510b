use crate::array::Array;
use alexnet_spec::{ChannelOrder, Labels, Network};

/// What the page shows beyond the report's numbers.
#[derive(Clone, Debug)]
pub struct Evidence {
    /// The program and its version.
    pub program: String,
    /// The command line, a word each.
    pub command: Vec<String>,
    /// The sizes of the two files in bytes; none for a folder.
    pub bytes: [Option<u64>; 2],
    /// What each side computes; none where that couldn't be read from it.
    pub networks: [Option<Network>; 2],
    /// The first convolution's weights, `[out, in, height, width]`.
    pub filters: [Option<Array>; 2],
    /// Which colour comes first in the inputs that both sides were given.
    pub channel_order: ChannelOrder,
    /// The map that differs most.
    pub worst: Option<MapPair>,
    /// What each run takes some inputs for.
    pub classifications: Vec<Classification>,
    /// The names of the classes.
    pub labels: Labels,
    /// The first inputs, as the report names them.
    pub inputs: Vec<Thumbnail>,
    /// The images that the summary lists, by their paths.
    pub images: Vec<Thumbnail>,
}

/// One channel of a layer's output, from two runs.
#[derive(Clone, Debug)]
pub struct MapPair {
    /// The layer.
    pub layer: String,
    /// The input.
    pub fixture: String,
    /// The run that is held against the reference.
    pub runtime: String,
    /// The channel; none for a vector, whose features are wrapped into rows.
    pub channel: Option<usize>,
    /// The reference's values, `[height, width]`.
    pub reference: Array,
    /// The other's values, of the same shape.
    pub other: Array,
}

/// What every run takes one input for.
#[derive(Clone, Debug)]
pub struct Classification {
    /// The input.
    pub fixture: String,
    /// For each run, its name and its first classes.
    pub runs: Vec<(String, Vec<Class>)>,
}

/// One of the first classes of a run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Class {
    /// Its index among the outputs.
    pub index: usize,
    /// Its logit.
    pub logit: f32,
    /// Its probability.
    pub probability: f32,
}

/// A small picture.
#[derive(Clone, Debug)]
pub struct Thumbnail {
    /// Of what.
    pub name: String,
    /// The picture as a `data:` URI.
    pub picture: String,
}

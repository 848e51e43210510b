/// What a layer hands on: the node that computes it, and what the next layer has to know of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Value {
    /// The node, or the graph's input.
    pub node: String,
    pub kind: Kind,
    /// Channels of a map, or features of a vector, where they are known.
    pub channels: Option<usize>,
    /// Zeros around the map that no node has added yet: top, left, bottom, right.
    pub pads: [usize; 4],
    /// Whether no element is below zero, so that zeros around it never win in a max pool.
    pub positive: bool,
}

/// The axes of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A map in the model's own order of axes.
    Map,
    /// A map of height, width, channel whose channels were brought to the front.
    ChannelsBroughtFirst,
    Vector,
}

impl Value {
    /// The same with another node.
    pub fn at(&self, node: impl Into<String>) -> Value {
        Value { node: node.into(), ..self.clone() }
    }

    /// Whether there are zeros still to be added.
    pub fn is_padded(&self) -> bool {
        self.pads != [0; 4]
    }
}

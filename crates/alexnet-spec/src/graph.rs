//! A network as a file describes it itself, before it is one of ours.
//!
//! Caffe's layers, cuda-convnet's dictionaries, Keras's configurations, MatConvNet's cells and ONNX's nodes all say what is
//! computed, each in its own words. A reader transcribes them into a [`Graph`]: nodes that name their inputs, with every
//! constant in this crate's conventions and every tensor as the file holds it. Two towers stay two towers here. Making a
//! [`Network`](crate::Network) of it - merging towers into groups, naming layers, folding factors into weights - is the
//! importer's work, the same for every format.

use crate::{Input, Labels, Op, Preprocessing, Tensor, Transform};

/// A network as a file describes it.
#[derive(Clone, Debug)]
pub struct Graph {
    /// Whose description it is, as reports name it: `caffe`, `cuda-convnet`, `onnx`.
    pub dialect: &'static str,
    /// What the file calls the network.
    pub name: Option<String>,
    /// The value that is the image, as [`Node::inputs`] name it.
    pub input_name: String,
    /// The shape of one example, where the file says.
    pub input: Option<Input>,
    /// How images are prepared: what the file says, or its framework's convention. `None`: as for the network that it turns
    /// out to be.
    pub preprocessing: Option<Preprocessing>,
    /// The order of the classes, where the file or its framework settles it.
    pub labels: Option<Labels>,
    /// Every node after those that it reads. Exactly one is read by no other: it is the output.
    pub nodes: Vec<Node>,
    /// What a reader of the report should know.
    pub notes: Vec<String>,
}

/// One step of a [`Graph`].
#[derive(Clone, Debug)]
pub struct Node {
    /// Its name in the file; no two nodes have the same.
    pub name: String,
    /// The nodes that it reads, by name, or the graph's [`input_name`](Graph::input_name).
    pub inputs: Vec<String>,
    /// What it computes.
    pub op: NodeOp,
    /// Its trained tensors. A convolution or linear layer without a bias, and a batch norm without weight or bias, leave the
    /// operand out.
    pub operands: Vec<Operand>,
}

impl Node {
    /// A node without trained tensors.
    pub fn new(name: impl Into<String>, inputs: Vec<String>, op: impl Into<NodeOp>) -> Node {
        Node { name: name.into(), inputs, op: op.into(), operands: Vec::new() }
    }

    /// The same node with a trained tensor more.
    pub fn with(mut self, operand: Operand) -> Node {
        self.operands.push(operand);
        self
    }
}

/// What a [`Node`] computes.
#[derive(Clone, Debug, PartialEq)]
pub enum NodeOp {
    /// A layer of ours, with one input. The `out` of a convolution or linear layer is this node's own.
    Layer(Op),
    /// A convolution or a max pool, padded so that the output is the input divided by the stride, rounded up; where the
    /// padding is odd, the greater half comes last. TensorFlow's and Keras's `SAME`. Its own `pads` and `rounding` are ignored.
    Same(Op),
    /// A map becomes a vector in the order row, column, channel (TensorFlow, Keras). The order of
    /// [`Flatten`](crate::layers::Flatten) is channel, row, column.
    FlattenHwc,
    /// The channels, or features, of its inputs, one input after the other.
    Concat,
    /// The channels from `start` up to, not including, `end`.
    Slice {
        /// The first channel taken.
        start: usize,
        /// The first channel not taken any more.
        end: usize,
    },
    /// Every element times a constant above zero: what is left at test time of dropout that doesn't scale in training.
    Scale(f64),
    /// Nothing.
    Identity,
}

impl<T: Into<Op>> From<T> for NodeOp {
    fn from(op: T) -> NodeOp {
        NodeOp::Layer(op.into())
    }
}

/// A trained tensor of a node, and how to make it ours.
#[derive(Clone, Debug)]
pub struct Operand {
    /// The name within the layer: `weight`, `bias`, `running_mean`, `running_var`.
    pub role: &'static str,
    /// The names of the tensors in the file.
    pub sources: Vec<String>,
    /// The tensors, in the same order.
    pub tensors: Vec<Tensor>,
    /// What makes them the parameter: kernels `[out, in / groups, height, width]` that correlate, matrices `[out, in]` whose
    /// columns follow the features of the node's input, vectors of one value a channel for the rest.
    pub transform: Transform,
}

impl Operand {
    /// An operand of one tensor.
    pub fn new(role: &'static str, source: impl Into<String>, tensor: Tensor, transform: Transform) -> Operand {
        Operand { role, sources: vec![source.into()], tensors: vec![tensor], transform }
    }
}

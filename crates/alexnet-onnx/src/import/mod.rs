//! From a graph of any exporter to a description of a network: what every node is to a network of the family.
//!
//! The walk that lowers graphs ([`crate::lower`]) goes first. It knows every value's shape and every constant, so an
//! exporter's shape arithmetic is gone, and it has refused every attribute that it doesn't understand. Then each node goes
//! through a file of [`ops`] that says what it is to the network: a layer, a rearrangement, a part of a response norm that
//! is spelled in primitive operators, or nothing. What has no such meaning is an error that names the node.
//!
//! What the graph says is what is transcribed. The ONNX zoo's graphs round the sizes of their pools in another way than the
//! Caffe networks that they were made from: the network is then the graph's.

mod averages;
mod norm;
mod normalised;
mod ops;
mod reader;
mod value;
mod written;

pub(crate) use reader::Reader;
pub use written::{written_network, written_parameters};

use crate::validate::{place, unsupported};
use crate::{Dim, Model, Result};
use alexnet_spec::Graph;

/// Operators of a graph that computes in integers, and doesn't say which floats they stand for.
const QUANTISED: &[&str] = &[
    "DynamicQuantizeLinear",
    "QLinearConv",
    "QLinearMatMul",
    "ConvInteger",
    "MatMulInteger",
    "QLinearAdd",
    "QLinearConcat",
    "QGemm",
];

/// Transcribes what a graph computes.
///
/// Weights are the initializers' own views, wherever the graph reads them as they are; weights that are stored as integers
/// with a scale (`DequantizeLinear` of a constant) are multiplied out.
///
/// Errs, naming node and operator, where the graph has more than one input or anything that no layer of the family is; and
/// where it rounds activations to integers, which no network of floating point numbers repeats.
///
/// ```
/// use alexnet_onnx::{Data, ExportOptions, Model, read_graph, write};
/// # use alexnet_spec::{Metadata, Tensor, Weights, networks};
/// # let network = networks::get("caffenet").unwrap().shrunk(16, 10)?;
/// # let zeros = |shape: &[usize]| Tensor::from_f32(shape.to_vec(), &vec![0.0; shape.iter().product()]);
/// # let tensors = network.parameters()?.into_iter().map(|p| Ok((p.name, zeros(&p.shape)?)));
/// # let weights = Weights::new(&network, tensors.collect::<alexnet_spec::Result<_>>()?)?;
/// # let mut file = Vec::new();
/// # write(&mut file, &network, &weights, &Metadata::default(), &ExportOptions::default(), Data::Inline)?;
/// let model = Model::decode(file.into(), &mut |_| Err(std::io::ErrorKind::NotFound.into()))?;
/// let graph = read_graph(&model)?;
/// assert_eq!(graph.nodes[0].name, "conv1");
/// assert_eq!(graph.nodes[0].operands[0].tensors[0].shape(), [6, 3, 11, 11]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn read_graph(model: &Model) -> Result<Graph> {
    read(model, false)
}

/// As [`read_graph`], with activations that `QuantizeLinear` and `DequantizeLinear` round taken for what they were before:
/// the network from which a quantised graph was made, as far as its weights still tell.
///
/// Errs where the two operators of a pair don't have the same step and zero point.
pub fn read_rounded_graph(model: &Model) -> Result<Graph> {
    read(model, true)
}

fn read(model: &Model, rounds: bool) -> Result<Graph> {
    for (index, node) in model.graph().node.iter().enumerate() {
        let operator = node.op_type();
        if QUANTISED.contains(&operator) {
            return Err(unsupported(place(index, node), reader::ROUNDS));
        }
        if crate::validate::is_onnx(node.domain()) && ops::handler(operator).is_none() {
            return Err(unsupported(
                place(index, node),
                "this operator is no layer of AlexNet's: try simplifying the graph first (onnxsim), or the checkpoint that it was exported from",
            ));
        }
    }
    let mut reader = Reader::new(model, batch(model), rounds)?;
    reader.walk(&model.graph().node)?;
    reader.finish()
}

/// The batch that shapes are inferred for: the graph's own, or more than one, so that what forgets the batch is found.
fn batch(model: &Model) -> usize {
    match model.inputs().first().and_then(|input| input.shape.as_deref()) {
        Some([Dim::Fixed(batch), ..]) => *batch,
        _ => 2,
    }
}

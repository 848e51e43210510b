//! ONNX: a graph of any exporter, with its weights inside or in files beside it.
//!
//! The crate `alexnet-onnx` reads the model and transcribes its graph; builds without the feature `onnx` say so in its place.
//! A graph that this project wrote, and that nobody has changed, is the network in its metadata. Graphs that compute in
//! integers are not converted: the float models that they were made from are.

use super::Format;
#[cfg(not(feature = "onnx"))]
use crate::Error;
use crate::{Checkpoint, Limits, Result, Source};

pub(super) const FORMAT: Format = Format {
    name: "onnx",
    about: "ONNX: a graph of PyTorch's, TensorFlow's or any other exporter, or of this program",
    recognises: |source, _| recognises(&source.bytes()),
    read,
};

/// A protobuf whose first field is ONNX's `ir_version` and whose second is text or a number of the model's. TensorFlow's
/// SavedModel begins with a version too, and goes on with a graph.
fn recognises(bytes: &[u8]) -> bool {
    matches!(bytes, [0x08, 1..=20, 0x12 | 0x1a | 0x22 | 0x28 | 0x32 | 0x3a | 0x42, ..])
        && !crate::tensorflow::is_saved_model(bytes)
}

#[cfg(not(feature = "onnx"))]
fn read(_: &Source, _: &Limits) -> Result<Checkpoint> {
    Err(Error::refused("an ONNX model, and this build doesn't read them").with_remedy("a build with the feature onnx"))
}

#[cfg(feature = "onnx")]
fn read(source: &Source, limits: &Limits) -> Result<Checkpoint> {
    model::read(source, limits)
}

#[cfg(feature = "onnx")]
pub use model::{checkpoint as onnx_checkpoint, rounded_checkpoint as onnx_rounded_checkpoint};

#[cfg(feature = "onnx")]
mod model {
    use super::FORMAT;
    use crate::{Checkpoint, Error, Group, Limits, Result, Source};
    use alexnet_onnx::{
        Error as OnnxError, Model, read_graph, read_rounded_graph, written_network, written_parameters,
    };
    use alexnet_spec::{Graph, Network};

    pub(super) fn read(source: &Source, limits: &Limits) -> Result<Checkpoint> {
        let mut external = |location: &str| {
            let data = source.within(location).map_err(|error| std::io::Error::other(error.to_string()))?;
            Ok(data.bytes())
        };
        let model = Model::decode(source.bytes(), &mut external).map_err(fault)?;
        let count = model.initializers().count();
        if count > limits.tensors {
            return Err(Error::limit("tensors", format!("a model of {count} initializers"), limits.tensors));
        }
        checkpoint(&model)
    }

    /// The checkpoint that a model is.
    ///
    /// Errs, naming the node, where its graph has anything that no layer of the family is, and where it rounds activations to
    /// integers.
    pub fn checkpoint(model: &Model) -> Result<Checkpoint> {
        if model.graph().node.iter().any(|node| node.op_type() == "QuantizeLinear") {
            read_graph(model).map_err(fault)?;
        }
        with_graph(model, read_graph)
    }

    /// The checkpoint from which a quantised model was made, as far as its weights still tell: activations aren't rounded.
    ///
    /// Errs as [`checkpoint`] does for all else.
    pub fn rounded_checkpoint(model: &Model) -> Result<Checkpoint> {
        with_graph(model, read_rounded_graph)
    }

    fn with_graph(model: &Model, read: impl Fn(&Model) -> alexnet_onnx::Result<Graph>) -> Result<Checkpoint> {
        let mut group = Group::default();
        if let Some(network) = written_network(model).map_err(fault)? {
            group.tensors = written_parameters(model, &network).map_err(fault)?;
            let metadata = Some(model.metadata().clone());
            return Ok(Checkpoint { metadata, ..Checkpoint::new(FORMAT.name, vec![group]) });
        }
        group.tensors.extend(model.initializers().map(|(name, tensor)| (name.to_owned(), tensor.clone())));
        let mut graph = read(model).map_err(fault)?;
        if let Some(network) = model.network().map_err(fault)? {
            remember(&mut graph, network);
        }
        Ok(Checkpoint::described(FORMAT.name, graph, vec![group]))
    }

    /// What a changed graph keeps of the network that its metadata describe: what no graph says.
    fn remember(graph: &mut Graph, network: Network) {
        graph.notes.push(format!(
            "the metadata describe network `{}`, but the graph was changed since: it is read itself, and the metadata are \
             believed in how images are prepared and what the classes are called",
            network.name
        ));
        graph.preprocessing = graph.preprocessing.take().or(Some(network.preprocessing));
        graph.labels = Some(network.labels);
    }

    /// The same error in this crate's words.
    fn fault(error: OnnxError) -> Error {
        match error {
            OnnxError::Malformed { place, message } => Error::malformed(message).at(place),
            OnnxError::Unsupported { place, message } => Error::refused(message).at(place),
            OnnxError::Limit { place, message, limit } => {
                Error::refused(format!("{message}, above the limit of {limit}")).at(place)
            }
            OnnxError::Spec(error) => error.into(),
            other => Error::malformed(other.to_string()),
        }
    }
}

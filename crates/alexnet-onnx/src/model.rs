//! A decoded model: its messages, its initializers as tensors.

use crate::proto::{GraphProto, ModelProto, NodeProto};
use crate::value::Value;
use crate::{Result, scan, tensor, validate};
use alexnet_spec::{Metadata, Network, Tensor};
use bytes::Bytes;
use prost::Message;
use std::collections::BTreeMap;

/// An ONNX model that was read from untrusted bytes and checked.
///
/// Initializers are taken out of the messages and kept as [`Tensor`]s, which share the bytes of the model or of the
/// external file wherever the data is stored raw.
///
/// ```
/// use alexnet_onnx::{Data, ExportOptions, Model, write};
/// # use alexnet_spec::{Metadata, Tensor, Weights, networks};
/// # let network = networks::get("caffenet").unwrap().shrunk(16, 10)?;
/// # let zeros = |shape: &[usize]| Tensor::from_f32(shape.to_vec(), &vec![0.0; shape.iter().product()]);
/// # let tensors = network.parameters()?.into_iter().map(|p| Ok((p.name, zeros(&p.shape)?)));
/// # let weights = Weights::new(&network, tensors.collect::<alexnet_spec::Result<_>>()?)?;
/// # let mut file = Vec::new();
/// # write(&mut file, &network, &weights, &Metadata::default(), &ExportOptions::default(), Data::Inline)?;
/// let model = Model::decode(file.into(), &mut |_| Err(std::io::ErrorKind::NotFound.into()))?;
/// assert_eq!(model.opset(), 17);
/// assert_eq!(model.inputs()[0].to_string(), "input: f32 [N, 3, 227, 227]");
/// assert_eq!(model.outputs()[0].to_string(), "logits: f32 [N, 10]");
/// assert_eq!(model.initializer("fc8.bias").unwrap().shape(), [10]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Model {
    proto: ModelProto,
    graph: GraphProto,
    opset: i64,
    metadata: Metadata,
    initializers: BTreeMap<String, Tensor>,
    inputs: Vec<Value>,
    outputs: Vec<Value>,
}

impl Model {
    /// Reads a model.
    ///
    /// `external` opens the file at a location that the model names: a plain relative path, already checked. It is the
    /// caller's to resolve it inside the model's folder without following links. It is called once for each location.
    ///
    /// Errs, with the place in the model, where the bytes aren't a well-formed model or exceed a limit; where the model
    /// has functions, training information, sparse tensors or control flow, or an initializer of a type without
    /// counterpart; where nodes read what nothing computes, or compute what is there already; where an initializer's
    /// type, shape and bytes contradict each other; and where external data isn't plainly inside the named file.
    pub fn decode(bytes: Bytes, external: &mut dyn FnMut(&str) -> std::io::Result<Bytes>) -> Result<Model> {
        scan::check(&bytes)?;
        let mut proto = ModelProto::decode(bytes).map_err(|e| validate::malformed("model", e.to_string()))?;
        let mut graph = proto
            .graph
            .take()
            .ok_or_else(|| validate::malformed("model", "there is no graph: this is not an ONNX model"))?;
        let initializers = tensor::initializers(std::mem::take(&mut graph.initializer), external)?;
        Model::new(proto, graph, initializers)
    }

    /// A model of its messages, its graph and its initializers apart, as [`Model::proto`], [`Model::graph`] and
    /// [`Model::initializers`] give them: for a graph that was changed.
    ///
    /// Errs as [`Model::decode`] does.
    pub fn new(proto: ModelProto, graph: GraphProto, initializers: BTreeMap<String, Tensor>) -> Result<Model> {
        let opset = validate::model(&proto)?;
        validate::graph(&graph, &initializers)?;
        let mut inputs = graph.input.iter().map(Value::read).collect::<Result<Vec<_>>>()?;
        // Before IR version 4, initializers had to be listed among the inputs, as defaults.
        inputs.retain(|input| !initializers.contains_key(&input.name));
        let outputs = graph.output.iter().map(Value::read).collect::<Result<Vec<_>>>()?;
        let metadata = validate::metadata(&proto.metadata_props)?;
        Ok(Model { proto, graph, opset, metadata, initializers, inputs, outputs })
    }

    /// Writes the model with all its initializers inside, those too that were read from other files.
    ///
    /// Errs where it would exceed protobuf's 2 GiB, or `out` fails.
    pub fn write(&self, out: &mut dyn std::io::Write) -> Result<()> {
        crate::write::model(out, self)
    }

    /// The model's message, without its graph.
    pub fn proto(&self) -> &ModelProto {
        &self.proto
    }

    /// The graph's message, without its initializers.
    pub fn graph(&self) -> &GraphProto {
        &self.graph
    }

    /// The version of ONNX's own operator set that the model imports.
    pub fn opset(&self) -> i64 {
        self.opset
    }

    /// The model's metadata.
    pub fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    /// The network in the model's metadata; `None` where it holds none.
    ///
    /// Errs where what it holds isn't a valid network. That the graph computes this network is for [`crate::check`] to say.
    pub fn network(&self) -> Result<Option<Network>> {
        Ok(self.metadata.network()?)
    }

    /// All initializers by name, sorted.
    pub fn initializers(&self) -> impl Iterator<Item = (&str, &Tensor)> {
        self.initializers.iter().map(|(name, tensor)| (name.as_str(), tensor))
    }

    /// The initializer called `name`.
    pub fn initializer(&self, name: &str) -> Option<&Tensor> {
        self.initializers.get(name)
    }

    /// The value that is called `name` and the same in every run: an initializer, or what a `Constant` node holds.
    pub fn constant(&self, name: &str) -> Option<Tensor> {
        if let Some(tensor) = self.initializer(name) {
            return Some(tensor.clone());
        }
        let holds = |node: &&NodeProto| node.op_type() == "Constant" && node.output.first().is_some_and(|o| o == name);
        let node = self.graph.node.iter().find(holds)?;
        let value = node.attribute.iter().find(|attribute| attribute.name() == "value")?.t.clone()?;
        tensor::inline(name, value).ok()
    }

    /// The same model with 1 for every integer that a `DequantizeLinear` reads from an initializer, and no zero points: where
    /// the model has a parameter, this one has the steps in which it is stored.
    pub fn with_steps(&self) -> Model {
        let mut steps = self.clone();
        let constant = |tensor: &Tensor, value: u8| {
            let mut bytes = vec![0; tensor.dtype().size()];
            if let Some(low) = bytes.first_mut() {
                *low = value;
            }
            let (shape, strides) = (tensor.shape().to_vec(), vec![0; tensor.shape().len()]);
            Tensor::strided(tensor.dtype(), shape, strides, 0, bytes.into()).ok()
        };
        for node in self.graph.node.iter().filter(|node| node.op_type() == "DequantizeLinear") {
            for (index, value) in [(0, 1), (2, 0)] {
                let stored = node.input.get(index).and_then(|name| steps.initializers.get_mut(name));
                if let Some(tensor) = stored.filter(|tensor| !tensor.dtype().is_float()) {
                    *tensor = constant(tensor, value).unwrap_or_else(|| tensor.clone());
                }
            }
        }
        steps
    }

    /// What the graph is fed: its inputs, without those that initializers fill.
    pub fn inputs(&self) -> &[Value] {
        &self.inputs
    }

    /// What the graph gives.
    pub fn outputs(&self) -> &[Value] {
        &self.outputs
    }

    /// The names of all values that nodes compute, in their order: of these, those called as layers are taps.
    pub fn computed(&self) -> impl Iterator<Item = &str> {
        self.graph.node.iter().flat_map(|node| &node.output).map(String::as_str).filter(|name| !name.is_empty())
    }
}

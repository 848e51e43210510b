//! Rewrites a graph into the operators that candle-onnx 0.11.1 computes correctly.
//!
//! candle-onnx interprets graphs as it meets them. It has no `LRN`, refuses pools with padding, ignores `ceil_mode`
//! without a word, takes `Pad` in one mode, `Gemm` in single precision only, and passes over attributes that it doesn't
//! know. So a graph isn't handed to it as it is. Every node goes through a file of [`ops`] that knows what the operator
//! means in the model's opset, and says it in nodes whose evaluation was held against ONNX Runtime; whatever no file
//! knows, an attribute included, is an error that names the node.
//!
//! Shapes are inferred on the way, for one batch size, so shape arithmetic of exporters (`Shape`, `Gather`, `Concat`)
//! disappears. The lowered graph is itself valid ONNX of opset 17 with every weight an input: an interpreter is fed the
//! mapped bytes, and nothing of 244 MB is encoded anew.

mod context;
mod node;
mod ops;
pub(crate) mod window;

pub(crate) use context::Lowering;
pub(crate) use node::Node;
pub(crate) use ops::taken;

use crate::graph::tensor_header;
use crate::proto::{GraphProto, ModelProto, NodeProto, OperatorSetIdProto};
use crate::validate::{malformed, place, unsupported};
use crate::{Dim, Model, Result, Value, opset};
use alexnet_spec::{DType, Tensor};
use prost::Message;
use std::collections::HashSet;

/// The operator set of lowered graphs.
const OPSET: i64 = 17;
/// The newest operator set whose operators the files of [`ops`] were read against.
const NEWEST: i64 = 25;
/// How many values an error lists.
const MAX_LISTED: usize = 64;

/// A lowered graph, and what it must be fed.
#[derive(Clone, Debug)]
pub struct Lowered {
    proto: ModelProto,
    inputs: Vec<Value>,
    outputs: Vec<Value>,
    weights: Vec<Weight>,
    widened: bool,
}

/// A constant of the original graph, which the lowered graph takes as an input of the same name.
#[derive(Clone, Debug)]
pub struct Weight {
    /// The input's name.
    pub name: String,
    /// The type in which it must be fed; wider than the tensor's in a graph that was widened.
    pub dtype: DType,
    /// Its values.
    pub tensor: Tensor,
}

impl Lowered {
    /// The model's messages. Its graph has the original's inputs, then one for each weight.
    pub fn proto(&self) -> &ModelProto {
        &self.proto
    }

    /// The model in protobuf, without the weights: some kilobytes.
    pub fn encode(&self) -> Vec<u8> {
        self.proto.encode_to_vec()
    }

    /// The original graph's inputs, with the batch filled in.
    pub fn inputs(&self) -> &[Value] {
        &self.inputs
    }

    /// The graph's outputs: the original's, then the taps.
    pub fn outputs(&self) -> &[Value] {
        &self.outputs
    }

    /// The constants to feed.
    pub fn weights(&self) -> &[Weight] {
        &self.weights
    }

    /// Whether a bf16 graph is computed in f32, because candle-onnx knows no bf16.
    ///
    /// Weights are then those that bf16 holds, but activations aren't rounded to it after every layer: results are more
    /// exact than those of a bf16 runtime, and say nothing of its rounding.
    pub fn widened(&self) -> bool {
        self.widened
    }
}

/// Rewrites `model` for `batch` examples; `taps` names values that become outputs as well.
///
/// The lowered graph computes the same function, up to the order in which floating point sums are taken. f32 and f16 are
/// computed as they are, norms and softmax of an f16 graph in f32; bf16 becomes f32, see [`Lowered::widened`].
///
/// Errs, naming node and operator, where the graph uses anything that can't be said in checked operators; where an
/// input has another batch or open dimensions besides it; and where nothing computes a tap.
///
/// ```
/// use alexnet_onnx::{ExportOptions, Model, lower, write, Data};
/// # use alexnet_spec::{Metadata, Tensor, Weights, networks};
/// # let network = networks::get("caffenet").unwrap().shrunk(16, 10)?;
/// # let zeros = |shape: &[usize]| Tensor::from_f32(shape.to_vec(), &vec![0.0; shape.iter().product()]);
/// # let tensors = network.parameters()?.into_iter().map(|p| Ok((p.name, zeros(&p.shape)?)));
/// # let weights = Weights::new(&network, tensors.collect::<alexnet_spec::Result<_>>()?)?;
/// # let mut file = Vec::new();
/// # write(&mut file, &network, &weights, &Metadata::default(), &ExportOptions::default(), Data::Inline)?;
/// let model = Model::decode(file.into(), &mut |_| Err(std::io::ErrorKind::NotFound.into()))?;
/// let lowered = lower(&model, 1, &["norm1".into()])?;
/// assert_eq!(lowered.outputs()[1].to_string(), "norm1: f32 [1, 6, 27, 27]");
/// assert!(lowered.proto().graph.as_ref().unwrap().node.iter().all(|node| node.op_type() != "LRN"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn lower(model: &Model, batch: usize, taps: &[String]) -> Result<Lowered> {
    let mut lowering = infer(model, batch, taps)?;
    let mut outputs = Vec::new();
    let wanted = model.outputs().iter().map(|output| &output.name).chain(taps);
    let computed: HashSet<&str> = model.computed().collect();
    let mut seen = HashSet::new();
    for name in wanted.filter(|name| seen.insert(name.as_str())) {
        if !computed.contains(name.as_str()) {
            let names: Vec<_> = model.computed().take(MAX_LISTED).collect();
            let more = if computed.len() > MAX_LISTED { ", ..." } else { "" };
            let message =
                format!("no node computes `{}`; the graph has {}{more}", name.escape_debug(), names.join(", "));
            return Err(malformed("graph", message));
        }
        if lowering.get(name)?.constant.is_some() {
            let message = format!("its output `{}` doesn't depend on its input", name.escape_debug());
            return Err(unsupported("graph", message));
        }
        let output = lowering.describe(name)?;
        if !output.dtype.is_float() {
            let message = format!("its output `{}` holds integers: only floats come out", name.escape_debug());
            return Err(unsupported("graph", message));
        }
        outputs.push(output);
    }
    lowering.keep_reachable(outputs.iter().map(|output| output.name.clone()).collect());
    let inputs = model.inputs().iter().map(|input| lowering.describe(&input.name)).collect::<Result<Vec<_>>>()?;
    let weights = lowering.weights();
    let fed = weights.iter().map(|weight| Value {
        name: weight.name.clone(),
        dtype: weight.dtype,
        shape: Some(weight.tensor.shape().iter().map(|d| Dim::Fixed(*d)).collect()),
    });
    let graph = GraphProto {
        name: model.graph().name.clone(),
        input: inputs.iter().cloned().chain(fed).map(Value::into_proto).collect(),
        output: outputs.iter().cloned().map(Value::into_proto).collect(),
        node: std::mem::take(&mut lowering.nodes),
        initializer: std::mem::take(&mut lowering.constants),
        ..Default::default()
    };
    let proto = ModelProto {
        ir_version: Some(opset::ir_version(OPSET)),
        opset_import: vec![OperatorSetIdProto { domain: Some(String::new()), version: Some(OPSET) }],
        producer_name: Some(env!("CARGO_PKG_NAME").into()),
        producer_version: Some(env!("CARGO_PKG_VERSION").into()),
        graph: Some(graph),
        ..Default::default()
    };
    Ok(Lowered { proto, inputs, outputs, weights, widened: lowering.widened })
}

/// Walks the graph for `batch` examples: every value's shape, and the nodes that compute it.
pub(crate) fn infer<'m>(model: &'m Model, batch: usize, taps: &[String]) -> Result<Lowering<'m>> {
    if model.opset() > NEWEST {
        let opset = model.opset();
        return Err(unsupported(
            "model",
            format!("opset {opset} is newer than {NEWEST}: try exporting it for opset 17"),
        ));
    }
    let mut lowering = Lowering::new(model, batch, taps)?;
    lower_nodes(&mut lowering, &model.graph().node, model.opset())?;
    Ok(lowering)
}

/// Whether an operator is lowered.
#[cfg(test)]
pub(crate) fn knows(operator: &str) -> bool {
    ops::handler(operator).is_some()
}

/// Lowers nodes one after the other.
pub(crate) fn lower_nodes(lowering: &mut Lowering, nodes: &[NodeProto], opset: i64) -> Result<()> {
    for (index, proto) in nodes.iter().enumerate() {
        let node = Node::new(proto, place(index, proto), opset);
        if !crate::validate::is_onnx(proto.domain()) {
            let domain = proto.domain().escape_debug();
            return Err(node.unsupported(format!("operators of domain `{domain}` aren't known to mean anything here: give the graph from before a runtime optimised it")));
        }
        let Some(handle) = ops::handler(proto.op_type()) else {
            return Err(
                node.unsupported("candle-onnx isn't known to compute this operator correctly: try the runtime ort")
            );
        };
        handle(lowering, &node)?;
        node.finish()?;
        for output in proto.output.iter().skip(1).filter(|output| !output.is_empty()) {
            if lowering.is_read(output) && !lowering.knows(output) {
                return Err(node.unsupported(format!("its further output `{}` is used", output.escape_debug())));
            }
        }
    }
    Ok(())
}

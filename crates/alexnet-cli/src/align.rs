//! Which value of an ONNX graph is which layer, and which initializer is which parameter.
//!
//! Graphs that this project wrote name both as the network does. Graphs of other exporters are aligned by walking both
//! lists: the n-th convolution is the n-th convolution as long as nothing else in between contradicts it.

use alexnet_onnx::Model;
use alexnet_onnx::proto::{GraphProto, NodeProto};
use alexnet_spec::{Layer, Network, Op, Tensor};
use std::collections::BTreeMap;

/// A graph's names for a network's.
#[derive(Clone, Debug, Default)]
pub struct Alignment {
    /// Layer to the value that is its output.
    pub values: BTreeMap<String, String>,
    /// Canonical parameter to its tensor, in the network's layout.
    pub parameters: BTreeMap<String, Tensor>,
}

/// Aligns a graph with `network`, as far as they go together.
pub fn align(model: &Model, network: &Network) -> Alignment {
    let graph = model.graph();
    let mut alignment = Alignment { values: by_name(graph, network), parameters: BTreeMap::new() };
    let nodes = by_order(graph, network);
    for (layer, node) in &nodes {
        if let Some(output) = node.output.first() {
            alignment.values.entry((*layer).to_owned()).or_insert_with(|| output.clone());
        }
    }
    for parameter in network.parameters().unwrap_or_default() {
        let own = model.initializer(&parameter.name).cloned();
        let node = nodes.iter().find(|(layer, _)| *layer == parameter.layer).map(|(_, node)| *node);
        let found = own.or_else(|| node.and_then(|node| operand(node, &parameter.name, model)));
        if let Some(tensor) = found {
            alignment.parameters.insert(parameter.name, tensor);
        }
    }
    alignment
}

/// Layers whose name a value or a node bears.
fn by_name(graph: &GraphProto, network: &Network) -> BTreeMap<String, String> {
    let find = |layer: &Layer| {
        let mut outputs = graph.node.iter().flat_map(|node| &node.output);
        let value = outputs.find(|output| **output == layer.name).cloned();
        let node = || graph.node.iter().find(|node| node.name() == layer.name)?.output.first().cloned();
        Some((layer.name.clone(), value.or_else(node)?))
    };
    network.layers.iter().filter_map(find).collect()
}

/// The nodes of the layers, by walking both lists until they contradict each other.
fn by_order<'a>(graph: &'a GraphProto, network: &'a Network) -> Vec<(&'a str, &'a NodeProto)> {
    let mut nodes = graph.node.iter().filter(|node| counterpart(node.op_type())).peekable();
    let mut found = Vec::new();
    for layer in &network.layers {
        let operators = operators(&layer.op);
        let Some(node) = nodes.next_if(|node| operators.contains(&node.op_type())) else {
            if optional(&layer.op) { continue } else { break }
        };
        found.push((layer.name.as_str(), node));
    }
    found
}

/// The operators that a layer may have become.
fn operators(op: &Op) -> &'static [&'static str] {
    match op {
        Op::Conv2d(_) => &["Conv"],
        Op::Relu(_) => &["Relu"],
        Op::LocalResponseNorm(_) => &["LRN"],
        Op::BatchNorm2d(_) => &["BatchNormalization"],
        Op::MaxPool2d(_) => &["MaxPool"],
        Op::AdaptiveAvgPool2d(_) => &["AveragePool", "GlobalAveragePool"],
        Op::Flatten(_) => &["Flatten", "Reshape"],
        Op::Linear(_) => &["Gemm"],
        Op::Dropout(_) => &["Dropout"],
        Op::Softmax(_) => &["Softmax"],
        _ => &[],
    }
}

/// Whether an operator is any layer's; the others (shapes, constants) are passed over.
fn counterpart(operator: &str) -> bool {
    const ALL: [&str; 12] = [
        "Conv",
        "Relu",
        "LRN",
        "BatchNormalization",
        "MaxPool",
        "AveragePool",
        "GlobalAveragePool",
        "Flatten",
        "Reshape",
        "Gemm",
        "Dropout",
        "Softmax",
    ];
    ALL.contains(&operator)
}

/// Layers that exporters leave out.
fn optional(op: &Op) -> bool {
    matches!(op, Op::AdaptiveAvgPool2d(_) | Op::Flatten(_) | Op::Dropout(_) | Op::Softmax(_))
}

/// The initializer that a node has in a parameter's place.
fn operand(node: &NodeProto, parameter: &str, model: &Model) -> Option<Tensor> {
    let (_, role) = parameter.rsplit_once('.')?;
    let position = match role {
        "weight" => 1,
        "bias" => 2,
        "running_mean" => 3,
        "running_var" => 4,
        _ => return None,
    };
    let tensor = model.initializer(node.input.get(position)?)?;
    let transposed = node.op_type() == "Gemm"
        && role == "weight"
        && !node.attribute.iter().any(|attribute| attribute.name() == "transB" && attribute.i() == 1);
    if transposed { tensor.permute(&[1, 0]).ok() } else { Some(tensor.clone()) }
}

//! Which value of an ONNX graph is which layer, and which initializer is which parameter.
//!
//! Graphs that this project wrote name both as the network does. Graphs of other exporters are aligned by walking both
//! lists: the n-th convolution is the n-th convolution.

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

/// The nodes of the layers, by walking both lists. Convolutions and matrices are what the walk holds on to: the n-th is the
/// n-th, and what lies between two of them is looked for there, so that a ReLU that isn't there doesn't hide what follows.
fn by_order<'a>(graph: &'a GraphProto, network: &'a Network) -> Vec<(&'a str, &'a NodeProto)> {
    let nodes: Vec<&NodeProto> = graph.node.iter().filter(|node| counterpart(node.op_type())).collect();
    let (mut rest, mut found) = (nodes.as_slice(), Vec::new());
    for layer in &network.layers {
        let operators = operators(&layer.op);
        let weighty = rest.iter().position(|node| ["Conv", "Gemm"].contains(&node.op_type())).unwrap_or(rest.len());
        let (start, length) = if layer.op.out().is_some() { (weighty, 1) } else { (0, weighty) };
        let mut within = rest.iter().enumerate().skip(start).take(length);
        match within.find(|(_, node)| operators.contains(&node.op_type())) {
            Some((at, node)) => {
                found.push((layer.name.as_str(), *node));
                rest = rest.get(at.saturating_add(1)..).unwrap_or_default();
            }
            None if layer.op.out().is_some() => break,
            None => {}
        }
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

#[cfg(test)]
mod tests {
    use super::*;
    use alexnet_spec::networks;

    /// torchvision's operators as other programs export them, without names of ours and without the second ReLU.
    #[test]
    fn a_missing_activation_does_not_hide_the_layers_after_it() {
        let network = networks::get("torchvision").unwrap().shrunk(16, 10).unwrap();
        let operators = [
            "Conv",
            "Relu",
            "MaxPool",
            "Conv",
            "MaxPool",
            "Conv",
            "Relu",
            "Conv",
            "Relu",
            "Conv",
            "Relu",
            "MaxPool",
            "AveragePool",
            "Flatten",
            "Gemm",
            "Relu",
            "Gemm",
            "Relu",
            "Gemm",
        ];
        let node = |(index, operator): (usize, &&str)| NodeProto {
            op_type: Some((*operator).to_owned()),
            output: vec![format!("value{index}")],
            ..NodeProto::default()
        };
        let graph = GraphProto { node: operators.iter().enumerate().map(node).collect(), ..GraphProto::default() };
        let found: BTreeMap<&str, &str> =
            by_order(&graph, &network).into_iter().map(|(layer, node)| (layer, node.output[0].as_str())).collect();
        assert_eq!(found.get("relu2"), None);
        for (layer, value) in [("conv2", "value3"), ("pool2", "value4"), ("conv3", "value5"), ("fc8", "value18")] {
            assert_eq!(found.get(layer), Some(&value), "{layer}");
        }
    }
}

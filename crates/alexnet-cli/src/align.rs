//! Which value of an ONNX graph is which layer.
//!
//! Graphs that this project wrote name their values as the network does. Graphs of other exporters are aligned by walking both
//! lists: the n-th convolution is the n-th convolution.

use alexnet_onnx::Model;
use alexnet_onnx::proto::{GraphProto, NodeProto};
use alexnet_spec::{Layer, Network, Op};
use std::collections::BTreeMap;

/// The values of a graph that are layers of `network`, by the layers' names, as far as they go together.
pub fn align(model: &Model, network: &Network) -> BTreeMap<String, String> {
    let graph = model.graph();
    let mut values = by_name(graph, network);
    // Operators of a runtime compute several layers at once: the n-th convolution that is left isn't the n-th any more.
    let counted = graph.node.iter().all(is_onnx).then(|| by_order(model, network));
    for (layer, node) in counted.unwrap_or_default() {
        if reorders(graph, node) {
            continue;
        }
        if let Some(output) = bias_of(graph, node).unwrap_or(node).output.first() {
            values.entry(layer.to_owned()).or_insert_with(|| output.clone());
        }
    }
    let relus = network.layers.iter().filter(|layer| matches!(layer.op, Op::Relu(_)));
    for layer in relus.map(|layer| &layer.name) {
        if let Some(value) = values.get_mut(layer)
            && let Some(rounded) = merged(graph, value)
        {
            *value = rounded;
        }
    }
    values
}

/// A ReLU that a quantiser has left to the rounding after it, whose least integer is zero: what the rounding gives in place of
/// `value`, which is still what the ReLU would read.
fn merged(graph: &GraphProto, value: &str) -> Option<String> {
    let gives = |node: &&NodeProto| node.output.first().is_some_and(|output| output == value);
    let computes = graph.node.iter().find(gives)?;
    if !matches!(computes.op_type(), "Conv" | "Gemm" | "MatMul" | "Add") {
        return None;
    }
    let reader = |operator: &str, value: &str| {
        let reads = |node: &&NodeProto| node.input.first().is_some_and(|input| input == value);
        graph.node.iter().filter(reads).find(|node| node.op_type() == operator)?.output.first().cloned()
    };
    reader("DequantizeLinear", &reader("QuantizeLinear", value)?)
}

/// Whether a node flattens maps whose channels were moved behind the pixels: the same features in another order.
fn reorders(graph: &GraphProto, node: &NodeProto) -> bool {
    let moved = |value: &String| {
        graph.node.iter().any(|other| other.op_type() == "Transpose" && other.output.first() == Some(value))
    };
    matches!(node.op_type(), "Flatten" | "Reshape") && node.input.first().is_some_and(moved)
}

/// Whether a node is of ONNX's own operators.
fn is_onnx(node: &NodeProto) -> bool {
    matches!(node.domain(), "" | "ai.onnx")
}

/// Layers whose name a value or a node bears.
fn by_name(graph: &GraphProto, network: &Network) -> BTreeMap<String, String> {
    let find = |layer: &Layer| {
        let mut outputs = graph.node.iter().flat_map(|node| &node.output);
        let value = outputs.find(|output| **output == layer.name).cloned();
        let node =
            || graph.node.iter().find(|node| node.name() == layer.name && is_onnx(node))?.output.first().cloned();
        Some((layer.name.clone(), value.or_else(node)?))
    };
    network.layers.iter().filter_map(find).collect()
}

/// The nodes of the layers, by walking both lists. Layers with weights are what the walk holds on to: the n-th is the n-th,
/// and what lies between two of them is looked for there, so that a ReLU that isn't there doesn't hide what follows.
fn by_order<'a>(model: &'a Model, network: &'a Network) -> Vec<(&'a str, &'a NodeProto)> {
    let (mut rest, mut found) = (model.graph().node.as_slice(), Vec::new());
    for (index, layer) in network.layers.iter().enumerate() {
        let weighty = network.layers.iter().skip(index).find(|layer| layer.op.out().is_some());
        let next =
            weighty.and_then(|layer| rest.iter().position(|node| bears(node, layer, model))).unwrap_or(rest.len());
        let (start, length) = if layer.op.out().is_some() { (next, 1) } else { (0, next) };
        let mut within = rest.iter().enumerate().skip(start).take(length);
        match within.find(|(_, node)| is(layer, node)) {
            Some((at, node)) => {
                rest = rest.get(at.saturating_add(1)..).unwrap_or_default();
                let node = match is_tower(layer, node, model) {
                    // Where the towers don't meet behind the convolutions, no one value is the layer.
                    true => match meeting(node, &mut rest) {
                        Some(meeting) => meeting,
                        None => continue,
                    },
                    false => node,
                };
                let following = network.layers.get(index.saturating_add(1));
                let last = if following.is_some_and(|next| is(next, node)) { node } else { repeated(node, &mut rest) };
                found.push((layer.name.as_str(), last));
            }
            None if layer.op.out().is_some() => break,
            None => {}
        }
    }
    found
}

/// Whether a convolution makes only some of the layer's channels: a tower.
fn is_tower(layer: &Layer, node: &NodeProto, model: &Model) -> bool {
    let Op::Conv2d(conv) = &layer.op else { return false };
    let weight = node.input.get(1).and_then(|name| model.constant(name));
    weight.is_some_and(|weight| weight.shape().first().is_some_and(|out| *out < conv.out))
}

/// The node that puts the outputs of towers together, of which `tower` is one; `rest` goes on behind it.
fn meeting<'a>(tower: &NodeProto, rest: &mut &'a [NodeProto]) -> Option<&'a NodeProto> {
    let output = tower.output.first()?;
    let at = rest.iter().position(|node| node.op_type() == "Concat" && node.input.contains(output))?;
    let node = rest.get(at);
    *rest = rest.get(at.saturating_add(1)..).unwrap_or_default();
    node
}

/// Whether a layer may have become such a node.
fn is(layer: &Layer, node: &NodeProto) -> bool {
    operators(&layer.op).contains(&node.op_type())
}

/// The last of the nodes at the start of `rest` that do once more what `node` did, with its parameters: one layer, however
/// often it is applied.
fn repeated<'a>(mut node: &'a NodeProto, rest: &mut &'a [NodeProto]) -> &'a NodeProto {
    while let Some((next, others)) = rest.split_first()
        && next.op_type() == node.op_type()
        && next.input.first() == node.output.first()
        && next.input.get(1..) == node.input.get(1..)
    {
        (node, *rest) = (next, others);
    }
    node
}

/// Whether a node can be a layer with weights. The 1x1 convolution of a norm in primitive operators is none, nor are the
/// products that average over an adaptive pool's windows.
fn bears(node: &NodeProto, layer: &Layer, model: &Model) -> bool {
    let kernel = match &layer.op {
        Op::Conv2d(conv) => Some(conv.kernel),
        _ => None,
    };
    let weight = || node.input.get(1).and_then(|name| model.constant(name));
    let fits = |kernel: [usize; 2]| weight().is_none_or(|weight| weight.shape().get(2..) == Some(&kernel[..]));
    let linear = node.op_type() != "MatMul" || bias_of(model.graph(), node).is_some();
    is(layer, node) && kernel.is_none_or(fits) && linear
}

/// The addition of a bias to what a `MatMul` gives, or a `Conv` without one: together they are a layer.
fn bias_of<'a>(graph: &'a GraphProto, node: &NodeProto) -> Option<&'a NodeProto> {
    let without = match node.op_type() {
        "MatMul" => true,
        "Conv" => node.input.get(2).is_none_or(String::is_empty),
        _ => false,
    };
    let product = node.output.first().filter(|_| without)?;
    let mut readers = graph.node.iter().filter(|reader| reader.input.contains(product));
    readers.next().filter(|reader| reader.op_type() == "Add")
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
        Op::Linear(_) => &["Gemm", "MatMul"],
        Op::Dropout(_) => &["Dropout"],
        Op::Softmax(_) => &["Softmax"],
        _ => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::anonymous::{anonymous, apart};
    use alexnet_onnx::LrnForm;

    #[test]
    fn a_missing_activation_does_not_hide_the_layers_after_it() {
        let (network, _, model) = anonymous("torchvision", LrnForm::Native, |graph| {
            let at = graph.node.iter().position(|node| node.name() == "relu2").unwrap();
            let relu = graph.node.remove(at);
            graph.node[at].input[0] = relu.input[0].clone();
        });
        let values = align(&model, &network);
        assert!(!values.contains_key("relu2"));
        let pools: Vec<_> = model.graph().node.iter().filter(|node| node.op_type() == "MaxPool").collect();
        assert_eq!(values["pool2"], pools[1].output[0]);
    }

    /// As ONNX Runtime saves a graph that it optimised.
    #[test]
    fn layers_of_a_graph_with_fused_operators_are_not_counted() {
        let (network, _, model) = anonymous("torchvision", LrnForm::Native, |graph| {
            let at = graph.node.iter().position(|node| node.name() == "relu1").unwrap();
            let relu = graph.node.remove(at);
            let conv = &mut graph.node[at - 1];
            (conv.op_type, conv.domain) = (Some("FusedConv".into()), Some("com.microsoft".into()));
            conv.output = relu.output;
        });
        assert!(align(&model, &network).is_empty());
    }

    #[test]
    fn a_layer_that_is_applied_twice_ends_with_the_second() {
        let (network, _, model) = anonymous("torchvision", LrnForm::Native, |graph| {
            let at = graph.node.iter().position(|node| node.name() == "conv4").unwrap();
            let mut first = graph.node[at].clone();
            first.output[0] = "once".into();
            graph.node[at].input[0] = "once".into();
            graph.node.insert(at, first);
        });
        let values = align(&model, &network);
        let convolutions: Vec<_> = model.graph().node.iter().filter(|node| node.op_type() == "Conv").collect();
        assert_eq!((&values["conv4"], &values["conv5"]), (&convolutions[4].output[0], &convolutions[5].output[0]));
    }

    #[test]
    fn a_linear_layer_of_a_product_and_a_sum_ends_with_the_sum() {
        let (network, _, model) = anonymous("torchvision", LrnForm::Native, |graph| apart(graph, "fc6"));
        let sum = model.graph().node.iter().find(|node| node.op_type() == "Add").unwrap();
        assert_eq!(align(&model, &network)["fc6"], sum.output[0]);
    }

    #[test]
    fn features_in_another_order_are_not_those_of_the_flattening() {
        let (network, _, model) = anonymous("torchvision", LrnForm::Native, |graph| {
            let at = graph.node.iter().position(|node| node.name() == "flatten").unwrap();
            let turned = "turned".to_owned();
            let input = std::mem::replace(&mut graph.node[at].input[0], turned.clone());
            let transpose = NodeProto {
                op_type: Some("Transpose".into()),
                input: vec![input],
                output: vec![turned],
                ..NodeProto::default()
            };
            graph.node.insert(at, transpose);
        });
        let values = align(&model, &network);
        assert!(values.contains_key("pool5") && values.contains_key("fc6") && !values.contains_key("flatten"));
    }
}

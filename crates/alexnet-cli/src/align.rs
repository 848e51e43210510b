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
    let nodes = by_order(model, network);
    for (layer, node) in &nodes {
        if let Some(output) = bias_of(graph, node).unwrap_or(node).output.first() {
            alignment.values.entry((*layer).to_owned()).or_insert_with(|| output.clone());
        }
    }
    for parameter in network.parameters().unwrap_or_default() {
        // The node tells the layout; a name alone doesn't.
        let layer = network.layer(&parameter.layer);
        let fits = |node: &&NodeProto| layer.is_some_and(|layer| operators(&layer.op).contains(&node.op_type()));
        let named = graph.node.iter().find(|node| node.name() == parameter.layer).filter(fits);
        let ordered = || nodes.iter().find(|(layer, _)| *layer == parameter.layer).map(|(_, node)| *node);
        let node = named.or_else(ordered);
        let found = node.and_then(|node| operand(node, &parameter.name, model));
        if let Some(tensor) = found.or_else(|| model.constant(&parameter.name)) {
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
        match within.find(|(_, node)| operators(&layer.op).contains(&node.op_type())) {
            Some((at, node)) => {
                found.push((layer.name.as_str(), node));
                rest = rest.get(at.saturating_add(1)..).unwrap_or_default();
            }
            None if layer.op.out().is_some() => break,
            None => {}
        }
    }
    found
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
    operators(&layer.op).contains(&node.op_type()) && kernel.is_none_or(fits) && linear
}

/// The addition of a bias to what a `MatMul` gives, which together are a linear layer.
fn bias_of<'a>(graph: &'a GraphProto, node: &NodeProto) -> Option<&'a NodeProto> {
    let product = node.output.first().filter(|_| node.op_type() == "MatMul")?;
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

/// The constant that a node has in a parameter's place, in the network's layout.
fn operand(node: &NodeProto, parameter: &str, model: &Model) -> Option<Tensor> {
    let (_, role) = parameter.rsplit_once('.')?;
    if let ("bias", "MatMul") = (role, node.op_type()) {
        return bias_of(model.graph(), node)?.input.iter().find_map(|name| model.constant(name));
    }
    let position = match role {
        "weight" => 1,
        "bias" => 2,
        "running_mean" => 3,
        "running_var" => 4,
        _ => return None,
    };
    let tensor = model.constant(node.input.get(position)?)?;
    let rows_are_inputs = match node.op_type() {
        "Gemm" => !node.attribute.iter().any(|attribute| attribute.name() == "transB" && attribute.i() == 1),
        operator => operator == "MatMul",
    };
    if rows_are_inputs && role == "weight" { tensor.permute(&[1, 0]).ok() } else { Some(tensor) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alexnet_onnx::proto::ModelProto;
    use alexnet_onnx::{Data, ExportOptions, LrnForm, write};
    use alexnet_spec::{Metadata, Weights, networks};
    use prost::Message;

    /// A tiny network and its graph as another program would name it: by numbers.
    fn anonymous(name: &str, lrn: LrnForm, change: impl Fn(&mut GraphProto)) -> (Network, Weights, Model) {
        anonymous_of(networks::get(name).unwrap().shrunk(16, 10).unwrap(), lrn, change)
    }

    fn resized(mut network: Network, size: usize) -> Network {
        (network.input.height, network.input.width) = (size, size);
        network
    }

    fn anonymous_of(network: Network, lrn: LrnForm, change: impl Fn(&mut GraphProto)) -> (Network, Weights, Model) {
        let value = |index: usize| (index % 7) as f32 - 3.0;
        let tensors = network.parameters().unwrap().into_iter().map(|parameter| {
            let values: Vec<f32> = (0..parameter.shape.iter().product()).map(value).collect();
            (parameter.name, Tensor::from_f32(parameter.shape, &values).unwrap())
        });
        let weights = Weights::new(&network, tensors.collect()).unwrap();
        let options = ExportOptions { lrn, ..ExportOptions::default() };
        let mut file = Vec::new();
        write(&mut file, &network, &weights, &Metadata::default(), &options, Data::Inline).unwrap();
        let mut proto = ModelProto::decode(&file[..]).unwrap();
        let graph = proto.graph.as_mut().unwrap();
        change(graph);
        let number = |name: &mut String| {
            if name != "input" {
                *name = format!("v{}", name.bytes().fold(7u64, |sum, byte| sum * 31 % 1_000_003 + u64::from(byte)));
            }
        };
        graph.node.iter_mut().flat_map(|node| node.input.iter_mut().chain(&mut node.output)).for_each(number);
        graph.initializer.iter_mut().flat_map(|tensor| tensor.name.as_mut()).for_each(number);
        graph.output.iter_mut().flat_map(|output| output.name.as_mut()).for_each(number);
        graph.node.iter_mut().for_each(|node| node.name = None);
        graph.value_info.clear();
        let model = Model::decode(proto.encode_to_vec().into(), &mut |_| Err(std::io::ErrorKind::NotFound.into()));
        (network, weights, model.unwrap())
    }

    fn holds_all(alignment: &Alignment, weights: &Weights) {
        for (name, tensor) in weights.iter() {
            let found = alignment.parameters.get(name).unwrap_or_else(|| panic!("{name} wasn't found"));
            assert_eq!(found.shape(), tensor.shape(), "{name}");
            assert_eq!(found.to_f32().unwrap(), tensor.to_f32().unwrap(), "{name}");
        }
    }

    #[test]
    fn norms_of_primitive_operators_are_no_convolutions_of_the_network() {
        let (network, weights, model) = anonymous("bvlc", LrnForm::Primitive, |_| {});
        holds_all(&align(&model, &network), &weights);
    }

    /// 13x13 pixels on 6x6 places: no window of one size, so two matrices average.
    #[test]
    fn an_adaptive_pools_products_are_no_linear_layers() {
        let (network, weights, model) = anonymous("torchvision", LrnForm::Native, |_| {});
        let averages = |model: &Model| model.graph().node.iter().any(|node| node.op_type() == "MatMul");
        assert!(!averages(&model));
        holds_all(&align(&model, &network), &weights);
        let wider = resized(network, 256);
        let (network, weights, model) = anonymous_of(wider, LrnForm::Native, |_| {});
        assert!(averages(&model));
        holds_all(&align(&model, &network), &weights);
    }

    #[test]
    fn a_missing_activation_does_not_hide_the_layers_after_it() {
        let (network, weights, model) = anonymous("torchvision", LrnForm::Native, |graph| {
            let at = graph.node.iter().position(|node| node.name() == "relu2").unwrap();
            let relu = graph.node.remove(at);
            graph.node[at].input[0] = relu.input[0].clone();
        });
        let alignment = align(&model, &network);
        assert!(!alignment.values.contains_key("relu2"));
        let pools: Vec<_> = model.graph().node.iter().filter(|node| node.op_type() == "MaxPool").collect();
        assert_eq!(alignment.values["pool2"], pools[1].output[0]);
        holds_all(&alignment, &weights);
    }

    #[test]
    fn weights_in_constant_nodes_are_parameters() {
        let (network, weights, model) = anonymous("torchvision", LrnForm::Native, |graph| {
            for tensor in std::mem::take(&mut graph.initializer) {
                let output = vec![tensor.name().to_owned()];
                let value = alexnet_onnx::proto::AttributeProto {
                    name: Some("value".into()),
                    r#type: Some(alexnet_onnx::proto::attribute_proto::AttributeType::Tensor.into()),
                    t: Some(tensor),
                    ..Default::default()
                };
                let node = NodeProto {
                    op_type: Some("Constant".into()),
                    output,
                    attribute: vec![value],
                    ..NodeProto::default()
                };
                graph.node.insert(0, node);
            }
        });
        holds_all(&align(&model, &network), &weights);
    }

    /// `MatMul` takes its matrix the other way round than `Linear`, and leaves the bias to an `Add`.
    #[test]
    fn a_product_and_a_sum_are_a_linear_layer() {
        let (network, weights, model) = anonymous("torchvision", LrnForm::Native, |graph| {
            let at = graph.node.iter().position(|node| node.name() == "fc6").unwrap();
            let gemm = graph.node.remove(at);
            let turned = graph.initializer.iter_mut().find(|tensor| tensor.name() == "fc6.weight").unwrap();
            let (rows, columns) = (turned.dims[0] as usize, turned.dims[1] as usize);
            let raw = turned.raw_data.take().unwrap();
            let place = |index: usize| (index % rows * columns + index / rows) * 4;
            let bytes: Vec<u8> =
                (0..rows * columns).flat_map(|index| raw[place(index)..place(index) + 4].to_vec()).collect();
            turned.raw_data = Some(bytes.into());
            turned.dims.reverse();
            let node = |operator: &str, input: Vec<String>, output: &str| NodeProto {
                op_type: Some(operator.into()),
                input,
                output: vec![output.into()],
                ..NodeProto::default()
            };
            let product = node("MatMul", gemm.input[..2].to_vec(), "product");
            graph.node.insert(at, node("Add", vec!["product".into(), gemm.input[2].clone()], "fc6"));
            graph.node.insert(at, product);
        });
        let alignment = align(&model, &network);
        holds_all(&alignment, &weights);
        let sum = model.graph().node.iter().find(|node| node.op_type() == "Add").unwrap();
        assert_eq!(alignment.values["fc6"], sum.output[0]);
    }
}

//! Graphs of other programs, and of this one, become descriptions of their networks.

mod support;

use alexnet_onnx::proto::tensor_proto::DataType;
use alexnet_onnx::proto::{GraphProto, ModelProto, NodeProto, OperatorSetIdProto, TensorProto, ValueInfoProto};
use alexnet_onnx::{Batch, Data, ExportOptions, LrnForm, Model, read_graph, write, written_network};
use alexnet_spec::graph::{Graph, NodeOp};
use alexnet_spec::layers::{AdaptiveAvgPool2d, MaxPool2d, Rounding};
use alexnet_spec::{DType, Input, Layer, Metadata, Network, Op, Provenance, Tensor, Weights, networks};
use prost::Message;
use support::protos::Value::{Int, Ints};
use support::protos::{floats, node, value};
use support::*;

fn foreign(name: &str) -> Model {
    decode(std::fs::read(beside(&format!("foreign/{name}.onnx"))).unwrap()).unwrap()
}

/// A network in small, with weights by counting.
fn seeded(entry: &networks::Entry) -> (Network, Weights) {
    let network = (entry.network)().shrunk(16, 10).unwrap();
    let weights = seed(&network);
    (network, weights)
}

fn seed(network: &Network) -> Weights {
    let tensors = network.parameters().unwrap().into_iter().enumerate().map(|(at, parameter)| {
        let values: Vec<f32> = (0..parameter.elements()).map(|i| ((at + i) % 251) as f32 + 1.0).collect();
        (parameter.name, Tensor::from_f32(parameter.shape, &values).unwrap())
    });
    Weights::new(network, tensors.collect()).unwrap()
}

fn bvlc() -> &'static networks::Entry {
    networks::ALL.iter().find(|entry| entry.name == "bvlc").unwrap()
}

/// The operations, in order.
fn ops(graph: &Graph) -> Vec<&Op> {
    let op = |node: &'_ alexnet_spec::graph::Node| match &node.op {
        NodeOp::Layer(_) => (),
        other => panic!("{}: {other:?}", node.name),
    };
    graph.nodes.iter().for_each(op);
    graph.nodes.iter().filter_map(|node| if let NodeOp::Layer(op) = &node.op { Some(op) } else { None }).collect()
}

fn kinds(graph: &Graph) -> String {
    ops(graph).iter().map(|op| op.kind()).collect::<Vec<_>>().join(" ")
}

/// The layers as a graph of this project spells them: without those that do nothing, its pools with pads in place of
/// rounding.
fn spelled(network: &Network) -> Vec<(String, Op)> {
    let mut layers = Vec::new();
    for step in network.trace().unwrap() {
        let Layer { name, op } = step.layer.clone();
        let op = match op {
            Op::Dropout(_) => continue,
            Op::AdaptiveAvgPool2d(_) if step.input == step.output => continue,
            Op::MaxPool2d(MaxPool2d { kernel, stride, rounding: Rounding::Ceil, .. }) => {
                let dims = |shape: alexnet_spec::Shape| shape.dims();
                let pad = |axis: usize| {
                    let (size, windows) = (dims(step.input)[axis + 1], dims(step.output)[axis + 1]);
                    ((windows - 1) * stride[axis] + kernel[axis]).saturating_sub(size)
                };
                MaxPool2d { kernel, stride, pads: [0, 0, pad(0), pad(1)], rounding: Rounding::Floor }.into()
            }
            op => op,
        };
        layers.push((name, op));
    }
    layers
}

/// The layer's name of a node: a norm that is several nodes has a node of its own within them.
fn own_name(node: &str) -> String {
    node.split('/').next().unwrap_or(node).to_owned()
}

#[test]
fn graphs_of_this_project_are_their_networks_without_a_look_at_the_metadata() {
    for entry in networks::ALL {
        let (network, weights) = seeded(entry);
        for (lrn, dtype, opset, batch, softmax) in [
            (LrnForm::Native, DType::F32, 9, Batch::Dynamic, false),
            (LrnForm::Native, DType::F32, 17, Batch::Fixed(1), true),
            (LrnForm::Primitive, DType::F32, 13, Batch::Dynamic, false),
            (LrnForm::Primitive, DType::F16, 17, Batch::Fixed(3), true),
            (LrnForm::Native, DType::BF16, 13, Batch::Dynamic, false),
        ] {
            let options = ExportOptions { lrn, dtype, opset, batch, softmax, ..Default::default() };
            let what = format!("{} {options:?}", entry.name);
            let model = decode(export(&network, &weights, &options)).unwrap();
            let graph = read_graph(&model).unwrap_or_else(|error| panic!("{what}: {error}"));
            assert_eq!(graph.input, Some(network.input.clone()), "{what}");
            let wanted = if softmax { network.clone().with_softmax() } else { network.clone() };
            let wanted = spelled(&wanted);
            let names = graph.nodes.iter().map(|node| own_name(&node.name));
            let seen: Vec<(String, Op)> = names.zip(ops(&graph).into_iter().cloned()).collect();
            assert_eq!(seen, wanted, "{what}");
            for node in &graph.nodes {
                for operand in &node.operands {
                    let name = format!("{}.{}", own_name(&node.name), operand.role);
                    assert_eq!(operand.sources, std::slice::from_ref(&name), "{what}");
                    let tensor = operand.transform.apply(&operand.tensors).unwrap();
                    let expected = weights.get(&name).unwrap();
                    assert_eq!(tensor.shape(), expected.shape(), "{what}: {name}");
                    assert!(dtype != DType::F32 || tensor.to_f32().unwrap() == expected.to_f32().unwrap(), "{what}");
                }
            }
            let parameters: usize = graph.nodes.iter().map(|node| node.operands.len()).sum();
            assert_eq!(parameters, network.parameters().unwrap().len(), "{what}");
        }
    }
}

/// The reader hands on what the file holds: a quarter of a gigabyte isn't copied.
#[test]
fn weights_are_views_of_the_file() {
    let (network, weights) = seeded(bvlc());
    let bytes: bytes::Bytes = export(&network, &weights, &ExportOptions::default()).into();
    let model = Model::decode(bytes.clone(), &mut |_| unreachable!()).unwrap();
    let range = bytes.as_ptr_range();
    for node in read_graph(&model).unwrap().nodes {
        for tensor in node.operands.iter().flat_map(|operand| &operand.tensors) {
            assert!(range.contains(&tensor.as_contiguous().unwrap().as_ptr()), "{}", node.name);
        }
    }
}

#[test]
fn graphs_of_other_exporters_are_their_networks() {
    let torchvision = "Conv2d Relu MaxPool2d Conv2d Relu MaxPool2d Conv2d Relu Conv2d Relu Conv2d Relu MaxPool2d \
                       AdaptiveAvgPool2d Flatten Linear Relu Linear Relu Linear";
    let caffe = "Conv2d Relu LocalResponseNorm MaxPool2d Conv2d Relu BatchNorm2d MaxPool2d Flatten Linear Softmax";
    let zoo = "Conv2d Relu LocalResponseNorm MaxPool2d Conv2d Relu LocalResponseNorm MaxPool2d Flatten Linear Relu \
               Dropout Linear Softmax";
    let mut seen = 0;
    for entry in std::fs::read_dir(beside("foreign")).unwrap() {
        let file = entry.unwrap().file_name().into_string().unwrap();
        let Some(name) = file.strip_suffix(".onnx") else { continue };
        let expected = match name.split('-').next() {
            Some("torchvision") => torchvision,
            Some("caffe") => caffe,
            _ => zoo,
        };
        let graph = read_graph(&foreign(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(kinds(&graph), expected, "{name}");
        assert_eq!(graph.name.as_deref(), (expected == zoo).then_some("bvlc_alexnet"), "{name}");
        seen += 1;
    }
    assert_eq!(seen, 26);
}

/// The constants of `foreign/make.py`, in every spelling that the exporters have for them.
#[test]
fn constants_are_those_of_the_exported_module() {
    for name in ["caffe-torchscript-9-fixed", "caffe-torchscript-17-dynamic", "caffe-dynamo-20"] {
        let graph = read_graph(&foreign(name)).unwrap();
        let ops = ops(&graph);
        let Op::LocalResponseNorm(norm) = ops[2] else { panic!("{:?}", ops[2]) };
        assert_eq!((norm.size, norm.alpha, norm.beta, norm.k, norm.groups), (5, 0.5, 0.75, 2.0, 1), "{name}");
        // Opset 9 has no ceil_mode: the exporter pads.
        let pool = match name.contains("-9-") {
            true => MaxPool2d { pads: [0, 0, 1, 1], ..MaxPool2d::overlapping() },
            false => MaxPool2d::overlapping().rounded_up(),
        };
        assert_eq!(*ops[3], pool.into(), "{name}");
        let Op::BatchNorm2d(norm) = ops[6] else { panic!("{:?}", ops[6]) };
        assert_eq!(norm.eps, 1e-5, "{name}");
    }
    let graph = read_graph(&foreign("zoo-3")).unwrap();
    let pools: Vec<_> = ops(&graph).into_iter().filter(|op| op.kind() == "MaxPool2d").cloned().collect();
    let end = MaxPool2d { pads: [0, 0, 1, 1], ..MaxPool2d::overlapping() };
    assert_eq!(pools, [MaxPool2d::overlapping().into(), end.into()]);
    let graph = read_graph(&foreign("torchvision-dynamo-18")).unwrap();
    assert!(ops(&graph).contains(&&AdaptiveAvgPool2d { output: [1, 1] }.into()));
    assert_eq!(graph.input, Some(Input { channels: 3, height: 95, width: 95 }));
}

fn described(network: &Network, options: &ExportOptions) -> Vec<u8> {
    let weights = seed(network);
    let mut bytes = Vec::new();
    write(&mut bytes, network, &weights, &Metadata::new(network, &Provenance::default()), options, Data::Inline)
        .unwrap();
    bytes
}

#[test]
fn an_unchanged_graph_is_the_network_of_its_metadata() {
    for entry in networks::ALL {
        let (network, _) = seeded(entry);
        for options in [
            ExportOptions::default(),
            ExportOptions { lrn: LrnForm::Primitive, softmax: true, opset: 9, ..Default::default() },
            ExportOptions { taps: true, batch: Batch::Fixed(2), dtype: DType::F16, ..Default::default() },
        ] {
            let model = decode(described(&network, &options)).unwrap();
            assert_eq!(written_network(&model).unwrap().as_ref(), Some(&network), "{} {options:?}", entry.name);
        }
    }
}

#[test]
fn a_changed_graph_is_read_and_not_believed() {
    let (network, _) = seeded(bvlc());
    let mut proto = ModelProto::decode(&*described(&network, &ExportOptions::default())).unwrap();
    let graph = proto.graph.as_mut().unwrap();
    let norm = graph.node.iter_mut().find(|node| node.name() == "norm1").unwrap();
    norm.attribute.iter_mut().find(|attribute| attribute.name() == "bias").unwrap().f = Some(2.0);
    let model = decode(proto.encode_to_vec()).unwrap();
    assert_eq!(written_network(&model).unwrap(), None);
    let graph = read_graph(&model).unwrap();
    let NodeOp::Layer(Op::LocalResponseNorm(norm)) = &graph.nodes[2].op else { panic!("{:?}", graph.nodes[2]) };
    assert_eq!(norm.k, 2.0);
}

/// The error of transcribing a graph of `nodes`. `x` is its input, [N, 4, 6, 6]; `w` the weights of a convolution, `m` a
/// matrix, `four` a vector, `one` a number, `pads` a pixel on every side.
fn refusal(nodes: Vec<NodeProto>, inputs: Vec<ValueInfoProto>, outputs: &[&str]) -> String {
    let integers = |name: &str, values: &[i64]| TensorProto {
        name: Some(name.into()),
        data_type: Some(DataType::Int64 as i32),
        dims: vec![values.len() as i64],
        int64_data: values.to_vec(),
        ..Default::default()
    };
    let graph = GraphProto {
        node: nodes,
        input: inputs,
        output: outputs.iter().map(|name| value(name, DataType::Float, &[0])).collect(),
        initializer: vec![
            floats("one", &[], &[1.0]),
            floats("four", &[4], &[1.0, 2.0, 3.0, 4.0]),
            floats("w", &[4, 4, 3, 3], &[1.0; 144]),
            floats("m", &[144, 2], &[1.0; 288]),
            integers("pads", &[0, 0, 1, 1, 0, 0, 1, 1]),
            integers("backwards", &[3, 2, 1, 0]),
        ],
        ..Default::default()
    };
    let model = ModelProto {
        ir_version: Some(8),
        opset_import: vec![OperatorSetIdProto { domain: None, version: Some(17) }],
        graph: Some(graph),
        ..Default::default()
    };
    match read_graph(&decode(model.encode_to_vec()).unwrap()) {
        Ok(graph) => panic!("was read as {}", kinds(&graph)),
        Err(error) => error.to_string(),
    }
}

#[test]
fn what_is_no_layer_is_refused_by_name() {
    let x = || value("x", DataType::Float, &[0, 4, 6, 6]);
    let pool = || node("MaxPool", &["p"], &["y"], &[("kernel_shape", Ints(&[3, 3]))]);
    let cases: Vec<(Vec<NodeProto>, &str)> = vec![
        (vec![node("Selu", &["x"], &["y"], &[])], "node `suspect` (Selu): this operator is no layer of AlexNet's"),
        (
            vec![node("QuantizeLinear", &["x", "one"], &["y"], &[])],
            "node `suspect` (QuantizeLinear): the graph rounds activations to integers",
        ),
        (
            vec![node("Relu", &["x"], &["r"], &[]), node("Add", &["x", "r"], &["y"], &[])],
            "node `suspect` (Add): it computes from two values, and not as a response norm does",
        ),
        (
            vec![node("Conv", &["x", "w"], &["y"], &[("dilations", Ints(&[2, 2]))])],
            "node `suspect` (Conv): its dilations are [2, 2]",
        ),
        (
            vec![node("Gather", &["x", "backwards"], &["y"], &[("axis", Int(1))])],
            "node `suspect` (Gather): its result depends on the image",
        ),
        (
            vec![node("Transpose", &["x"], &["y"], &[("perm", Ints(&[0, 1, 3, 2]))])],
            "node `suspect` (Transpose): perm [0, 1, 3, 2] of [2, 4, 6, 6] doesn't move the channels",
        ),
        (
            vec![node("Pad", &["x", "pads"], &["p"], &[]), pool()],
            "node `suspect` (MaxPool): its input is padded by [1, 1, 1, 1] zeros, which only a convolution takes",
        ),
        (
            vec![node("Relu", &["x"], &["r"], &[]), node("Sub", &["one", "r"], &["y"], &[])],
            "node `suspect` (Sub): it computes from constants",
        ),
        (
            vec![node("Relu", &["x"], &["r"], &[]), node("Add", &["r", "one"], &["y"], &[])],
            "node `suspect` (Add): it adds constants to what isn't a layer's output without a bias",
        ),
        (
            vec![node("Softmax", &["x"], &["y"], &[("axis", Int(1))])],
            "node `suspect` (Softmax): it goes over axis 1 of [2, 4, 6, 6]",
        ),
        (
            vec![node("AveragePool", &["x"], &["y"], &[("kernel_shape", Ints(&[3, 3]))])],
            "node `suspect` (AveragePool): it averages 6x6 to 4x4 by windows that aren't those of an adaptive pool",
        ),
        (
            vec![
                node("Flatten", &["x"], &["f"], &[]),
                node("Gemm", &["f", "m"], &["g"], &[]),
                node("LogSoftmax", &["g"], &["s"], &[("axis", Int(1))]),
                node("Relu", &["s"], &["y"], &[]),
            ],
            "node `suspect` (LogSoftmax): something follows the log softmax",
        ),
        (
            vec![node("Mul", &["x", "x"], &["q"], &[]), node("Relu", &["q"], &["y"], &[])],
            "node `suspect` (Relu): `q` is a part of a response norm or of a pool, and no layer's output",
        ),
    ];
    for (nodes, says) in cases {
        let said = refusal(nodes, vec![x()], &["y"]);
        assert!(said.starts_with(says), "{said}");
    }
    let relu = || vec![node("Relu", &["x"], &["y"], &[])];
    let second = value("seconds", DataType::Float, &[1]);
    assert!(refusal(relu(), vec![x(), second], &["y"]).starts_with("graph: it has 2 inputs (x, seconds)"));
    let two = vec![node("Relu", &["x"], &["y"], &[]), node("Flatten", &["x"], &["z"], &[])];
    assert!(refusal(two, vec![x()], &["y", "z"]).starts_with("graph: its output `y` doesn't lead to its output `z`"));
}

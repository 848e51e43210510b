//! Graphs for tests that bear no name of ours.

use alexnet_onnx::proto::{GraphProto, ModelProto, NodeProto};
use alexnet_onnx::{Data, ExportOptions, LrnForm, Model, write};
use alexnet_spec::{Metadata, Network, Tensor, Weights, networks};
use prost::Message;

/// A tiny network and its graph as another program would name it: by numbers.
pub fn anonymous(name: &str, lrn: LrnForm, change: impl Fn(&mut GraphProto)) -> (Network, Weights, Model) {
    anonymous_of(networks::get(name).unwrap().shrunk(16, 10).unwrap(), lrn, change)
}

pub fn resized(mut network: Network, size: usize) -> Network {
    (network.input.height, network.input.width) = (size, size);
    network
}

pub fn anonymous_of(network: Network, lrn: LrnForm, change: impl Fn(&mut GraphProto)) -> (Network, Weights, Model) {
    // Of a period that no kernel has: sums that cancel would be different numbers in every order of adding.
    let value = |index: usize| (index * 7919 % 101) as f32 / 50.0 - 0.9;
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

/// Writes a linear layer as `MatMul`, which takes its matrix the other way round, and an `Add` of the bias.
pub fn apart(graph: &mut GraphProto, layer: &str) {
    let at = graph.node.iter().position(|node| node.name() == layer).unwrap();
    let gemm = graph.node.remove(at);
    let turned = graph.initializer.iter_mut().find(|tensor| tensor.name() == format!("{layer}.weight")).unwrap();
    let (rows, columns) = (turned.dims[0] as usize, turned.dims[1] as usize);
    let raw = turned.raw_data.take().unwrap();
    let place = |index: usize| (index % rows * columns + index / rows) * 4;
    let bytes: Vec<u8> = (0..rows * columns).flat_map(|index| raw[place(index)..place(index) + 4].to_vec()).collect();
    turned.raw_data = Some(bytes.into());
    turned.dims.reverse();
    let node = |operator: &str, input: Vec<String>, output: &str| NodeProto {
        op_type: Some(operator.into()),
        input,
        output: vec![output.into()],
        ..NodeProto::default()
    };
    let product = node("MatMul", gemm.input[..2].to_vec(), "product");
    graph.node.insert(at, node("Add", vec!["product".into(), gemm.input[2].clone()], layer));
    graph.node.insert(at, product);
}

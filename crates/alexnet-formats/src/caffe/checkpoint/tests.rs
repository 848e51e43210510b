//! Nets as text, weights by hand; what is expected follows from Caffe's sources.

use super::*;
use crate::caffe::Blob;
use crate::{Companions, Error};
use alexnet_spec::layers::{AdaptiveAvgPool2d, MaxPool2d, Rounding, SpatialResponseNorm};
use alexnet_spec::{Input, Mean, Preprocessing, Resize, Tensor};

const DATA: &str =
    "layer { name: 'data' type: 'Input' top: 'data' input_param { shape { dim: 1 dim: 3 dim: 8 dim: 6 } } }";

fn blob(shape: &[usize]) -> Blob {
    let values: Vec<f32> = (0..shape.iter().product()).map(|value| 1.0 + value as f32).collect();
    Blob { tensor: Ok(Tensor::from_f32(shape.to_vec(), &values).unwrap()), legacy: false }
}

fn weights(layers: &[(&str, &[&[usize]])]) -> Weights {
    let layers = layers.iter().map(|(name, shapes)| ((*name).to_owned(), shapes.iter().map(|s| blob(s)).collect()));
    Weights::new(layers.collect()).unwrap()
}

fn read(text: &str, layers: &[(&str, &[&[usize]])]) -> Result<Graph> {
    let prototxt = Some(Source::from_bytes("net.prototxt", text.to_owned()));
    let source = Source::from_bytes("x", "").with_companions(Companions { prototxt, cfg: None });
    Ok(checkpoint("caffe", &weights(layers), None, &source, &Limits::default())?.graph.expect("a graph"))
}

fn graph(layers: &str, trained: &[(&str, &[&[usize]])]) -> Graph {
    read(&format!("{DATA}\n{layers}"), trained).unwrap()
}

fn error(layers: &str, trained: &[(&str, &[&[usize]])]) -> Error {
    read(&format!("{DATA}\n{layers}"), trained).unwrap_err()
}

fn layer(kind: &str, param: &str) -> String {
    format!("layer {{ name: 'x' type: '{kind}' bottom: 'data' top: 'x' {param} }}")
}

/// The only node's operation.
fn op(kind: &str, param: &str) -> NodeOp {
    let graph = graph(&layer(kind, param), &[]);
    assert_eq!((graph.nodes.len(), graph.nodes[0].inputs[0].as_str()), (1, "data"));
    graph.nodes[0].op.clone()
}

#[test]
fn pools_are_rounded_up_unless_they_say_otherwise() {
    let pool = |param: &str| op("Pooling", &format!("pooling_param {{ {param} }}"));
    let expected = |kernel, stride, pads, rounding| NodeOp::from(MaxPool2d { kernel, stride, pads, rounding });
    assert_eq!(pool("kernel_size: 3 stride: 2"), expected([3, 3], [2, 2], [0; 4], Rounding::Ceil));
    let floor = "kernel_h: 3 kernel_w: 2 stride: 2 pad_h: 1 pad_w: 0 round_mode: FLOOR";
    assert_eq!(pool(floor), expected([3, 2], [2, 2], [1, 0, 1, 0], Rounding::Floor));
    assert_eq!(pool("global_pooling: true"), expected([8, 6], [1, 1], [0; 4], Rounding::Ceil));
    assert_eq!(pool("pool: AVE global_pooling: true"), NodeOp::from(AdaptiveAvgPool2d { output: [1, 1] }));
}

#[test]
fn a_norm_within_a_channel_has_the_constant_one() {
    let norm = op("LRN", "lrn_param { local_size: 3 alpha: 5e-5 k: 7 norm_region: WITHIN_CHANNEL }");
    assert_eq!(norm, NodeOp::from(SpatialResponseNorm { size: 3, alpha: 5e-5, beta: 0.75, k: 1.0 }));
}

#[test]
fn what_isnt_converted_is_named() {
    let cases = [
        ("ReLU", "relu_param { negative_slope: 0.1 }", "`negative_slope` is 0.1"),
        ("LRN", "lrn_param { local_size: 4 }", "`local_size` is 4"),
        ("Pooling", "pooling_param { pool: AVE kernel_size: 3 }", "`pool` is AVE with windows"),
        ("Pooling", "pooling_param { kernel_size: 2 stride: 3 }", "`stride` is larger than its window"),
        ("Concat", "concat_param { axis: 2 }", "`axis` is 2"),
        ("Softmax", "", "for each pixel of a 8x6 map"),
        ("Scale", "scale_param { axis: 0 }", "`axis` is 0"),
        ("Flatten", "flatten_param { axis: 2 }", "`axis` is 2"),
        ("Reshape", "reshape_param { shape { dim: 0 dim: 3 dim: -1 } }", "`shape` is [0, 3, -1]"),
        ("Eltwise", "eltwise_param { operation: MAX }", "layers of type `Eltwise` aren't converted"),
        ("Convolution", "convolution_param { num_output: 2 kernel_size: 1 dilation: 2 }", "`dilation` is 2"),
        ("BatchNorm", "batch_norm_param { use_global_stats: false }", "statistics of the batch at hand"),
    ];
    for (kind, param, says) in cases {
        let error = error(&layer(kind, param), &[]).to_string();
        assert!(error.starts_with("net.prototxt: layer `x`: ") && error.contains(says), "{error}");
    }
}

#[test]
fn layers_in_place_follow_each_other() {
    let text = "layer { name: 'a' type: 'ReLU' bottom: 'data' top: 'data' }
        layer { name: 'b' type: 'Dropout' bottom: 'data' top: 'data' }
        layer { name: 'c' type: 'Split' bottom: 'data' top: 'c1' top: 'c2' }
        layer { name: 'd' type: 'ReLU' bottom: 'c1' top: 'd' }
        layer { name: 'e' type: 'Concat' bottom: 'd' bottom: 'c2' top: 'e' }";
    let graph = graph(text, &[]);
    let inputs: Vec<_> = graph.nodes.iter().map(|node| (node.name.as_str(), node.inputs.join(" "))).collect();
    let expected = [("a", "data"), ("b", "a"), ("d", "b"), ("e", "d b")];
    assert_eq!(inputs, expected.map(|(name, inputs)| (name, inputs.to_owned())));
    assert_eq!(graph.input, Some(Input { channels: 3, height: 8, width: 6 }));
}

#[test]
fn slices_are_cut_at_points_or_into_equal_parts() {
    let ends = |param: &str| {
        let text = format!(
            "layer {{ name: 's' type: 'Slice' bottom: 'data' top: 'a' top: 'b' top: 'c' slice_param {{ {param} }} }}
             layer {{ name: 'all' type: 'Concat' bottom: 'b' bottom: 'a' bottom: 'c' top: 'all' }}"
        );
        let slices = graph(&text, &[]).nodes.into_iter().filter_map(|node| match node.op {
            NodeOp::Slice { start, end } => Some((start, end)),
            _ => None,
        });
        slices.collect::<Vec<_>>()
    };
    assert_eq!(ends(""), [(0, 1), (1, 2), (2, 3)]);
    assert_eq!(ends("slice_point: 1 slice_point: 2 axis: 1"), [(0, 1), (1, 2), (2, 3)]);
}

#[test]
fn weights_are_shared_by_name() {
    let conv = |name: &str, bottom: &str| {
        format!(
            "layer {{ name: '{name}' type: 'Convolution' bottom: '{bottom}' top: '{name}' param {{ name: 'w' }}
             convolution_param {{ num_output: 3 kernel_size: 1 bias_term: false }} }}"
        )
    };
    let graph = graph(&(conv("a", "data") + &conv("b", "a")), &[("a", &[&[3, 3, 1, 1]])]);
    assert_eq!(graph.nodes[1].operands[0].sources, ["a.0"]);
    assert!(graph.nodes[0].operands[0].tensors[0].same_view(&graph.nodes[1].operands[0].tensors[0]));
}

#[test]
fn matrices_read_maps_and_may_be_transposed() {
    let product = |transpose: bool| {
        layer("InnerProduct", &format!("inner_product_param {{ num_output: 2 transpose: {transpose} }}"))
    };
    let plain = graph(&product(false), &[("x", &[&[1, 1, 2, 144], &[1, 1, 1, 2]])]);
    let names: Vec<&str> = plain.nodes.iter().map(|node| node.name.as_str()).collect();
    assert_eq!((names, plain.nodes[1].operands[1].tensors[0].shape()), (vec!["x/flatten", "x"], &[2][..]));
    let turned = graph(&product(true), &[("x", &[&[144, 2], &[2]])]);
    assert_eq!(turned.nodes[1].operands[0].transform, alexnet_spec::Transform::Transpose);
    let wrong = error(&product(true), &[("x", &[&[2, 144], &[2]])]).to_string();
    assert!(wrong.contains("its weight `x.0` is [2, 144], but the net makes it [144, 2]"), "{wrong}");
    let missing = error(&product(false), &[("y", &[&[2]])]).to_string();
    assert!(missing.contains("layer `x`: it has no weights in the file; layers that have: y"), "{missing}");
}

#[test]
fn statistics_are_divided_by_their_factor() {
    let text = "layer { name: 'bn' type: 'BatchNorm' bottom: 'data' top: 'data' }
        layer { name: 'scale' type: 'Scale' bottom: 'data' top: 'data' scale_param { bias_term: true } }";
    let mut layers = vec![("bn".to_owned(), vec![blob(&[3]), blob(&[3]), blob(&[1])])];
    layers.push(("scale".to_owned(), vec![blob(&[3]), blob(&[3])]));
    layers[0].1[2].tensor = Ok(Tensor::from_f32(vec![1], &[4.0]).unwrap());
    let net = Net::from_text(&Source::from_bytes("n", format!("{DATA}{text}")), &Limits::default()).unwrap();
    let graph = transcribe(&net, &Weights::new(layers.clone()).unwrap()).unwrap();
    let [norm] = &graph.nodes[..] else { panic!("{:?}", graph.nodes) };
    let applied: Vec<_> =
        norm.operands.iter().map(|o| (o.role, o.transform.apply(&o.tensors).unwrap().to_f32().unwrap())).collect();
    let (quarters, whole) = (vec![0.25, 0.5, 0.75], vec![1.0, 2.0, 3.0]);
    let expected =
        [("running_mean", quarters.clone()), ("running_var", quarters), ("weight", whole.clone()), ("bias", whole)];
    assert_eq!(applied, expected);
    layers[0].1[2].tensor = Ok(Tensor::from_f32(vec![1], &[0.0]).unwrap());
    let untrained = transcribe(&net, &Weights::new(layers).unwrap()).unwrap_err().to_string();
    assert!(untrained.contains("statistics are of weight 0"), "{untrained}");
}

#[test]
fn a_scale_elsewhere_is_refused() {
    let scale = "layer { name: 's' type: 'Scale' bottom: 'data' top: 's' }";
    assert!(error(scale, &[("s", &[&[3]])]).to_string().contains("right after a `BatchNorm` alone"));
}

fn preprocessing(data: &str) -> (Graph, Preprocessing) {
    let text = format!("layer {{ name: 'd' type: 'Data' top: 'data' top: 'label' {data} }} {}", layer("ReLU", ""));
    let graph = read(&text, &[]).unwrap();
    let preprocessing = graph.preprocessing.clone().unwrap();
    (graph, preprocessing)
}

#[test]
fn data_layers_give_the_contract() {
    let (graph, contract) = preprocessing("transform_param { crop_size: 227 mean_value: 90 scale: 0.5 mirror: true }");
    assert_eq!(graph.input, Some(Input { channels: 3, height: 227, width: 227 }));
    assert_eq!((contract.mean, contract.std), (Mean::PerChannel(vec![90.0; 3]), vec![2.0; 3]));
    assert!(matches!(contract.resize, Resize::Exact { height: 256, width: 256, .. }));
    assert!(graph.notes.is_empty(), "{:?}", graph.notes);

    let (graph, contract) = preprocessing("data_param { mean_file: 'm.binaryproto' crop_size: 300 }");
    assert_eq!(contract.mean, Mean::PerChannel(vec![104.0, 117.0, 123.0]));
    assert!(matches!(contract.resize, Resize::Exact { height: 300, width: 300, .. }));
    assert!(graph.notes[0].contains("`m.binaryproto`") && graph.notes[0].contains("--mean"), "{:?}", graph.notes);

    let (_, contract) = preprocessing("transform_param { mean_value: 1 mean_value: 2 mean_value: 3 }");
    assert_eq!(contract.mean, Mean::PerChannel(vec![1.0, 2.0, 3.0]));
    assert_eq!(preprocessing("").1.mean, Mean::PerChannel(vec![0.0; 3]));
}

#[test]
fn training_alone_has_losses() {
    let text = "layer { name: 'label' type: 'Input' top: 'label' }
        layer { name: 'relu' type: 'ReLU' bottom: 'data' top: 'relu' }
        layer { name: 'loss' type: 'SoftmaxWithLoss' bottom: 'relu' bottom: 'label' top: 'loss' }
        layer { name: 'accuracy' type: 'Accuracy' bottom: 'relu' bottom: 'label' top: 'accuracy' }";
    assert_eq!(graph(text, &[]).nodes.len(), 1);
}

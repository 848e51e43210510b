//! Parts of graphs are those that onnx's own `extract_model` takes, and compute what ONNX Runtime computes there.
//!
//! Made by `cut/make.py`.

mod support;

use alexnet_onnx::proto::tensor_proto::DataType;
use alexnet_onnx::proto::{GraphProto, ModelProto, OperatorSetIdProto};
use alexnet_onnx::{Dim, ExportOptions, LrnForm, Model, cut, lower};
use alexnet_spec::{DType, Tensor};
use candle_core as candle;
use prost::Message;
use std::collections::HashMap;
use support::protos::Value::Int;
use support::protos::{node, value};
use support::*;

fn repository(path: &str) -> Model {
    let path = fixture("..").join(path);
    let folder = path.parent().unwrap().to_owned();
    let bytes = std::fs::read(&path).unwrap();
    Model::decode(bytes.into(), &mut |location| Ok(std::fs::read(folder.join(location))?.into())).unwrap()
}

fn fixed(shape: &[usize]) -> Vec<Dim> {
    shape.iter().map(|size| Dim::Fixed(*size)).collect()
}

/// A part, written and read again, run by candle-onnx on all that it is fed.
fn run_part(part: &Model, feeds: &[(&str, &Tensor)], output: &str) -> candle::Tensor {
    let mut bytes = Vec::new();
    part.write(&mut bytes).unwrap();
    let lowered = lower(&decode(bytes).unwrap(), feeds[0].1.shape()[0], &[]).unwrap();
    let model = candle_onnx::onnx::ModelProto::decode(lowered.encode().as_slice()).unwrap();
    let tensor = |tensor: &Tensor| {
        candle::Tensor::from_vec(tensor.to_f32().unwrap(), tensor.shape(), &candle::Device::Cpu).unwrap()
    };
    let mut fed: HashMap<_, _> = feeds.iter().map(|(name, value)| ((*name).to_owned(), tensor(value))).collect();
    fed.extend(lowered.weights().iter().map(|weight| (weight.name.clone(), tensor(&weight.tensor))));
    candle_onnx::simple_eval(&model, fed).unwrap().remove(output).unwrap()
}

#[test]
fn parts_are_those_of_onnxs_own_tool_and_compute_the_same() {
    let path = beside("cut/goldens.safetensors");
    let goldens = tensors(path.clone());
    let bytes = std::fs::read(&path).unwrap();
    let (_, header) = safetensors::SafeTensors::read_metadata(&bytes).unwrap();
    let cuts = header.metadata().as_ref().unwrap();
    assert_eq!(cuts.len(), 11);
    for (number, cut_of) in cuts {
        let (values, nodes) = cut_of.split_once(" | ").unwrap();
        let values: Vec<&str> = values.split(' ').collect();
        let [path, output, inputs @ ..] = values.as_slice() else { panic!("{cut_of}") };
        let fed: Vec<_> =
            inputs.iter().enumerate().map(|(at, name)| (*name, &goldens[&format!("{number}.in{at}")])).collect();
        let shapes: Vec<_> = fed.iter().map(|(name, value)| ((*name).to_owned(), fixed(value.shape()))).collect();
        let part = cut(&repository(path), &shapes, &[(*output).to_owned()]).unwrap();
        let kept: Vec<_> = part.graph().node.iter().map(|node| node.output[0].as_str()).collect();
        assert_eq!(kept, nodes.split(' ').collect::<Vec<_>>(), "{path}");
        let golden = &goldens[&format!("{number}.out")];
        assert_eq!(part.outputs()[0].shape, Some(fixed(golden.shape())), "{path}");
        let error = error(&run_part(&part, &fed, output), golden);
        assert!(error < 2e-6, "{path}: {error:e}");
    }
}

#[test]
fn a_part_shares_the_bytes_of_its_weights_and_has_no_others() {
    let (network, weights) = tiny("caffenet");
    let bytes = bytes::Bytes::from(export(&network, &weights, &ExportOptions::default()));
    let inside = bytes.as_ptr_range();
    let model = Model::decode(bytes, &mut |_| unreachable!()).unwrap();
    let dims = vec![Dim::Open("N".into()), Dim::Fixed(6), Dim::Fixed(27), Dim::Fixed(27)];
    let part = cut(&model, &[("norm1".into(), dims)], &["relu2".into()]).unwrap();
    let held: Vec<_> = part.initializers().map(|(name, _)| name).collect();
    assert_eq!(held, ["conv2.bias", "conv2.weight"]);
    for (name, tensor) in part.initializers() {
        assert!(inside.contains(&tensor.as_contiguous().unwrap().as_ptr()), "{name} was copied");
    }
    assert!(part.network().unwrap().is_none());
    assert_eq!(part.outputs()[0].to_string(), "relu2: f32 [N, 16, 27, 27]");
}

#[test]
fn the_type_of_what_a_part_is_fed_is_that_in_which_the_graph_computes_it() {
    let (network, weights) = tiny("caffenet");
    let options = ExportOptions { dtype: DType::F16, lrn: LrnForm::Primitive, ..Default::default() };
    let model = decode(export(&network, &weights, &options)).unwrap();
    let dims = fixed(&[1, 6, 55, 55]);
    let part = cut(&model, &[("relu1".into(), dims)], &["norm1".into()]).unwrap();
    assert_eq!(part.inputs()[0].dtype, DType::F16);
    // A norm of primitive operators in a graph of f16 is computed in f32, between two casts.
    let wide = part.computed().find(|name| name.ends_with("/f32")).unwrap().to_owned();
    let inner = cut(&model, &[(wide, fixed(&[1, 6, 27, 27]))], &["norm1".into()]).unwrap();
    assert_eq!((inner.inputs()[0].dtype, inner.outputs()[0].dtype), (DType::F32, DType::F16));
}

/// A flattening that takes the batch from the graph's own input.
fn flattening() -> Model {
    let graph = GraphProto {
        node: vec![
            node("Shape", &["x"], &["shape"], &[]),
            node("Constant", &[], &["zero"], &[("value_int", Int(0))]),
            node("Gather", &["shape", "zero"], &["batch"], &[]),
            node("Constant", &[], &["open"], &[("value_int", Int(-1))]),
            node("Unsqueeze", &["batch", "zeros"], &["rows"], &[]),
            node("Unsqueeze", &["open", "zeros"], &["columns"], &[]),
            node("Concat", &["rows", "columns"], &["to"], &[("axis", Int(0))]),
            node("Relu", &["x"], &["relu"], &[]),
            node("Reshape", &["relu", "to"], &["flat"], &[]),
        ],
        input: vec![value("x", DataType::Float, &[0, 2, 3, 3])],
        output: vec![value("flat", DataType::Float, &[0, 18])],
        initializer: vec![alexnet_onnx::proto::TensorProto {
            name: Some("zeros".into()),
            data_type: Some(DataType::Int64 as i32),
            dims: vec![1],
            int64_data: vec![0],
            ..Default::default()
        }],
        ..Default::default()
    };
    let model = ModelProto {
        ir_version: Some(8),
        opset_import: vec![OperatorSetIdProto { domain: None, version: Some(17) }],
        graph: Some(graph),
        ..Default::default()
    };
    decode(model.encode_to_vec()).unwrap()
}

#[test]
fn a_shape_that_the_graphs_own_input_gives_is_worked_out_for_the_batch() {
    let model = flattening();
    let part = cut(&model, &[("relu".into(), fixed(&[2, 2, 3, 3]))], &["flat".into()]).unwrap();
    assert_eq!(part.computed().collect::<Vec<_>>(), ["flat"]);
    let to = part.constant("to").unwrap().to_bytes();
    assert_eq!(to, [2i64, -1].map(i64::to_le_bytes).concat());
    let x = Tensor::from_f32(vec![2, 2, 3, 3], &(0..36).map(|v| v as f32).collect::<Vec<_>>()).unwrap();
    let flat: Vec<Vec<f32>> = run_part(&part, &[("relu", &x)], "flat").to_vec2().unwrap();
    assert_eq!(flat.concat(), x.to_f32().unwrap());
    let open = vec![Dim::Open("N".into()), Dim::Fixed(2), Dim::Fixed(3), Dim::Fixed(3)];
    let message = cut(&model, &[("relu".into(), open)], &["flat".into()]).unwrap_err().to_string();
    assert_eq!(message, "graph: `flat` depends on the graph's input `x` otherwise than through `relu`");
}

#[test]
fn what_is_no_part_is_refused() {
    let (network, weights) = tiny("caffenet");
    let model = decode(export(&network, &weights, &ExportOptions::default())).unwrap();
    let cases: [(&[&str], &[&str], &str); 8] = [
        (&["conv9"], &["relu1"], "no node computes `conv9`; the graph has `conv1`, `relu1`"),
        (&["conv1"], &["drop6"], "no node computes `drop6`"),
        (&["conv1"], &["input"], "no node computes `input`"),
        (&["relu1"], &["conv1"], "`conv1` depends on the graph's input `input` otherwise than through `relu1`"),
        (&["input", "relu2"], &["relu1"], "`relu1` doesn't depend on `relu2`"),
        (&["conv1", "conv1"], &["relu1"], "`conv1` is asked for twice"),
        (&["conv1"], &["conv1"], "`conv1` is asked for as input and output"),
        (&[], &["relu1"], "needs at least one input"),
    ];
    for (inputs, outputs, expected) in cases {
        let inputs: Vec<_> = inputs.iter().map(|name| ((*name).to_owned(), fixed(&[1]))).collect();
        let outputs: Vec<_> = outputs.iter().map(|name| (*name).to_owned()).collect();
        let message = cut(&model, &inputs, &outputs).unwrap_err().to_string();
        assert!(message.contains(expected), "{message}");
    }
}

/// One half of a split is computed, the other is fed: both keep their meaning.
#[test]
fn what_a_kept_node_computes_besides_gives_way_to_what_is_fed() {
    let model = repository("fixtures/onnx/towers-split.onnx");
    let split = model.graph().node.iter().find(|node| node.op_type() == "Split").unwrap();
    let channels = |name: &str| {
        let weight = model.constant(name).unwrap();
        weight.shape()[1]
    };
    let pool1 = fixed(&[1, 2 * channels("conv2/W0"), 13, 13]);
    let half = fixed(&[1, channels("conv2/W0"), 13, 13]);
    let inputs = [("pool1".to_owned(), pool1), (split.output[1].clone(), half)];
    let part = cut(&model, &inputs, &["conv2/concat".into()]).unwrap();
    assert_eq!(part.inputs().len(), 2);
    let kept = part.graph().node.iter().find(|node| node.op_type() == "Split").unwrap();
    assert_eq!(kept.output, ["conv2/part0", "conv2/part1_"]);
}

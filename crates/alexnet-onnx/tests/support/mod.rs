//! What the tests share: fixtures, goldens, and candle-onnx as the interpreter of lowered graphs.

#![allow(dead_code, reason = "each test file uses a part")]

pub mod protos;

use alexnet_onnx::{Data, ExportOptions, Lowered, Model, lower, write};
use alexnet_spec::{DType, Metadata, Network, Tensor, Weights, networks};
use candle_core as candle;
use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;

pub type Tensors = BTreeMap<String, Tensor>;

/// A file of the repository's fixtures.
pub fn fixture(path: &str) -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures")).join(path)
}

/// A file beside these tests.
pub fn beside(path: &str) -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/tests")).join(path)
}

/// All tensors of a safetensors file, which are f32.
pub fn tensors(path: PathBuf) -> Tensors {
    let bytes = std::fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let file = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    let tensor = |view: &safetensors::tensor::TensorView| {
        assert_eq!(view.dtype(), safetensors::Dtype::F32);
        Tensor::new(DType::F32, view.shape().to_vec(), view.data().to_vec().into()).unwrap()
    };
    file.iter().map(|(name, view)| (name.to_owned(), tensor(&view))).collect()
}

/// A network of the registry in small, with the weights of its fixture.
pub fn tiny(name: &str) -> (Network, Weights) {
    let weights = tensors(fixture(&format!("networks/{name}.safetensors")));
    let shape_of = |parameter: &str| weights.get(parameter).map(Tensor::shape);
    let network = networks::get(name).unwrap().fitted(shape_of).unwrap();
    let weights = Weights::new(&network, weights).unwrap();
    (network, weights)
}

/// PyTorch's answers for a network, with the input that they belong to.
pub fn golden(name: &str) -> Tensors {
    let path = fixture(&format!("goldens/{name}.safetensors"));
    let bytes = std::fs::read(&path).unwrap();
    let (_, header) = safetensors::SafeTensors::read_metadata(&bytes).unwrap();
    let input = header.metadata().as_ref().unwrap()["input"].clone();
    let mut golden = tensors(path);
    golden.extend(tensors(fixture(&input)));
    golden
}

/// The network as a model's bytes.
pub fn export(network: &Network, weights: &Weights, options: &ExportOptions) -> Vec<u8> {
    let mut bytes = Vec::new();
    write(&mut bytes, network, weights, &Metadata::default(), options, Data::Inline).unwrap();
    bytes
}

/// A model without external data.
pub fn decode(bytes: Vec<u8>) -> alexnet_onnx::Result<Model> {
    Model::decode(bytes.into(), &mut |location| panic!("{location} isn't to be opened"))
}

/// The model lowered and run by candle-onnx on `input`: every output and tap.
pub fn run(model: &Model, input: &Tensor, taps: &[String]) -> HashMap<String, candle::Tensor> {
    let lowered = lower(model, input.shape()[0], taps).unwrap();
    evaluate(&lowered, input)
}

pub fn evaluate(lowered: &Lowered, input: &Tensor) -> HashMap<String, candle::Tensor> {
    use prost::Message;
    let model = candle_onnx::onnx::ModelProto::decode(lowered.encode().as_slice()).unwrap();
    let [described] = lowered.inputs() else { panic!("{} inputs", lowered.inputs().len()) };
    let mut fed = HashMap::from([(described.name.clone(), to_candle(input, described.dtype))]);
    fed.extend(lowered.weights().iter().map(|weight| (weight.name.clone(), to_candle(&weight.tensor, weight.dtype))));
    let mut outputs = candle_onnx::simple_eval(&model, fed).unwrap();
    outputs.retain(|name, _| lowered.outputs().iter().any(|output| output.name == *name));
    assert_eq!(outputs.len(), lowered.outputs().len());
    outputs
}

fn to_candle(tensor: &Tensor, dtype: DType) -> candle::Tensor {
    let mut bytes = Vec::new();
    tensor
        .for_each_chunk::<alexnet_spec::Error>(dtype, &mut |chunk| {
            bytes.extend_from_slice(chunk);
            Ok(())
        })
        .unwrap();
    let dtype = match dtype {
        DType::F16 => candle::DType::F16,
        DType::F32 => candle::DType::F32,
        other => panic!("{other} is fed"),
    };
    candle::Tensor::from_raw_buffer(&bytes, dtype, tensor.shape(), &candle::Device::Cpu).unwrap()
}

/// The largest difference, relative to the largest expected magnitude. `actual` may have more examples than `expected`.
pub fn error(actual: &candle::Tensor, expected: &Tensor) -> f32 {
    let rows = expected.shape()[0];
    assert_eq!(actual.dims()[1..], expected.shape()[1..]);
    let actual = actual.narrow(0, 0, rows).unwrap().flatten_all().unwrap();
    let actual: Vec<f32> = actual.to_dtype(candle::DType::F32).unwrap().to_vec1().unwrap();
    let expected = expected.to_f32().unwrap();
    let scale = expected.iter().fold(0f32, |max, v| max.max(v.abs()));
    let worst = actual.iter().zip(&expected).map(|(a, b)| (a - b).abs()).fold(0f32, |max, v| {
        assert!(!v.is_nan());
        max.max(v)
    });
    if scale == 0.0 { worst } else { worst / scale }
}

//! A network with every constant that the published ones don't have, against PyTorch and NumPy (`odd/make.py`).

mod support;

use alexnet_onnx::{Batch, ExportOptions, LrnForm};
use alexnet_spec::{DType, Network, Weights};
use support::*;

fn odd() -> (Network, Weights, Tensors) {
    let network = Network::from_json(&std::fs::read_to_string(beside("odd/odd.json")).unwrap()).unwrap();
    let all = tensors(beside("odd/odd.safetensors"));
    let part = |prefix: &str| {
        let named =
            all.iter().filter_map(|(name, tensor)| Some((name.strip_prefix(prefix)?.to_owned(), tensor.clone())));
        named.collect::<Tensors>()
    };
    let weights = Weights::new(&network, part("weights/")).unwrap();
    (network, weights, part("values/"))
}

#[test]
fn every_layer_agrees_with_pytorch_and_numpy() {
    let (network, weights, values) = odd();
    for lrn in [LrnForm::Native, LrnForm::Primitive] {
        for opset in [9, 17, 22] {
            let options = ExportOptions { lrn, opset, taps: true, ..Default::default() };
            let model = decode(export(&network, &weights, &options)).unwrap();
            let outputs = run(&model, &values["input"], &[]);
            for layer in &network.layers {
                let error = error(&outputs[&layer.name], &values[&layer.name]);
                assert!(error < 2e-6, "opset {opset}, {lrn:?}: {} is off by {error:e}", layer.name);
            }
        }
    }
}

#[test]
fn half_precision_stays_near() {
    let (network, weights, values) = odd();
    let options = ExportOptions { dtype: DType::F16, batch: Batch::Fixed(2), ..Default::default() };
    let model = decode(export(&network, &weights, &options)).unwrap();
    let outputs = run(&model, &values["input"], &[]);
    assert!(error(&outputs["drop1"], &values["drop1"]) < 4e-3);
}

/// The last layer writes the output even where it does nothing.
#[test]
fn a_dropout_at_the_end_is_an_identity() {
    let (network, ..) = odd();
    let model = alexnet_onnx::graph(&network, &Default::default(), &ExportOptions::default()).unwrap();
    let graph = model.graph.unwrap();
    let last = graph.node.last().unwrap();
    assert_eq!((last.op_type(), last.name(), last.output[0].as_str()), ("Identity", "drop1", "drop1"));
    assert_eq!(graph.output[0].name(), "drop1");
}

/// ONNX Runtime loads no `LRN` of even size, so there is none.
#[test]
fn an_even_window_is_written_in_the_primitive_form() {
    let (network, ..) = odd();
    let model = alexnet_onnx::graph(&network, &Default::default(), &ExportOptions::default()).unwrap();
    assert!(model.graph.unwrap().node.iter().all(|node| node.op_type() != "LRN"));
}

/// Squares of activations of some hundreds are beyond f16's largest number: norms are computed in f32.
///
/// By hand: an input of 1 becomes 300, 600 and 900; over the neighbours in reach, the squares sum up to 45e4, 126e4 and
/// 117e4, so the bases are 1 + 1e-4 of these. The spatial norm sees each pixel alone.
#[test]
fn norms_do_not_overflow_in_half_precision() {
    let layers = |norm: &str| {
        format!(
            r#"{{"name": "n", "input": {{"channels": 1, "height": 1, "width": 1}},
            "preprocessing": {{"channel_order": "rgb", "range": "0..1", "mean": {{"per-channel": [0]}}, "std": [1],
                "resize": {{"short-side": {{"size": 1, "interpolation": "bilinear"}}}}}},
            "layers": [{{"name": "conv", "op": "Conv2d", "out": 3, "kernel": [1, 1]}}, {{"name": "norm", {norm}}}]}}"#
        )
    };
    let x = [300f64, 600., 900.];
    let across = [45e4, 126e4, 117e4].map(|sum: f64| (1.0 + 1e-4 * sum).powf(0.75));
    let within = x.map(|x| (1.0 + 1e-4 * x * x).powf(0.75));
    for (norm, divisors) in [
        (r#""op": "LocalResponseNorm", "size": 3, "alpha": 3e-4, "beta": 0.75, "k": 1"#, across),
        (r#""op": "SpatialResponseNorm", "size": 1, "alpha": 1e-4, "beta": 0.75, "k": 1"#, within),
    ] {
        let network = Network::from_json(&layers(norm)).unwrap();
        let weights = [("conv.weight", vec![3, 1, 1, 1], x.map(|x| x as f32)), ("conv.bias", vec![3], [0.0; 3])];
        let weights = weights
            .map(|(name, shape, values)| (name.to_owned(), alexnet_spec::Tensor::from_f32(shape, &values).unwrap()));
        let weights = Weights::new(&network, weights.into()).unwrap();
        let input = alexnet_spec::Tensor::from_f32(vec![1, 1, 1, 1], &[1.0]).unwrap();
        for lrn in [LrnForm::Native, LrnForm::Primitive] {
            let options = ExportOptions { dtype: DType::F16, lrn, ..Default::default() };
            let model = decode(export(&network, &weights, &options)).unwrap();
            let output = run(&model, &input, &[])["norm"].to_dtype(candle_core::DType::F64).unwrap();
            let output: Vec<f64> = output.flatten_all().unwrap().to_vec1().unwrap();
            for ((y, x), divisor) in output.iter().zip(x).zip(divisors) {
                // f16 has 11 bits.
                assert!((y * divisor / x - 1.0).abs() < 1e-3, "{norm} {lrn:?}: {output:?}");
            }
        }
    }
}

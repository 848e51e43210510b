//! Graphs of integers: what is rounded, and that they are known again. What ONNX Runtime makes of them is for the end-to-end
//! tests.

mod support;

use alexnet_onnx::{
    Affine, ExportOptions, LrnForm, Model, Quantization, calibrated, check, ranges, read_graph, read_rounded_graph,
    unpaired, written_network, written_parameters,
};
use alexnet_spec::{Metadata, Network, Weights, networks};
use std::collections::BTreeMap;
use support::*;

/// Ranges wide enough for the goldens: the largest activations of the fixtures are some hundreds.
fn ranged(network: &Network) -> Quantization {
    let affine = |value: String| {
        let low = if value == "input" || value.starts_with("conv") || value.starts_with("norm") { -300.0 } else { 0.0 };
        (value, Affine::covering(low, 300.0))
    };
    Quantization::Static(calibrated(network).unwrap().into_iter().map(affine).collect())
}

fn forms(network: &Network) -> Vec<ExportOptions> {
    let quantise = |quantize: Quantization| ExportOptions { quantize: Some(quantize), ..Default::default() };
    vec![
        quantise(Quantization::Weights),
        quantise(ranged(network)),
        ExportOptions { opset: 13, softmax: true, lrn: LrnForm::Primitive, ..quantise(ranged(network)) },
        ExportOptions { opset: 22, taps: true, ..quantise(ranged(network)) },
    ]
}

fn written(network: &Network, weights: &Weights, options: &ExportOptions) -> Model {
    let mut bytes = Vec::new();
    let metadata = Metadata::new(network, &Default::default());
    alexnet_onnx::write(&mut bytes, network, weights, &metadata, options, alexnet_onnx::Data::Inline).unwrap();
    decode(bytes).unwrap()
}

/// Inputs and outputs of convolutions and linear layers, a ReLU counted to the layer before it; not the logits, and not what
/// a pool hands on.
#[test]
fn what_is_rounded_is_what_integer_kernels_take_and_give() {
    let values = |name: &str| calibrated(&networks::get(name).unwrap()).unwrap();
    let plain = ["input", "relu1", "relu2", "relu3", "relu4", "relu5", "relu6", "relu7"];
    assert_eq!(values("torchvision"), plain);
    let normed = ["input", "relu1", "pool1", "relu2", "pool2", "relu3", "relu4", "relu5", "relu6", "relu7"];
    assert_eq!(values("bvlc"), normed);
    // Normalised after the pool, whose output is the norm's input.
    let caffenet = ["input", "relu1", "norm1", "relu2", "norm2", "relu3", "relu4", "relu5", "relu6", "relu7"];
    assert_eq!(values("caffenet"), caffenet);
    let classifier = networks::get("torchvision").unwrap().features_only();
    assert_eq!(calibrated(&classifier).unwrap(), plain[..6]);
}

#[test]
fn every_network_is_known_again_in_every_form() {
    for entry in networks::ALL {
        let (network, weights) = tiny(entry.name);
        for options in forms(&network) {
            let what = format!("{} {options:?}", entry.name);
            let model = written(&network, &weights, &options);
            check(&model, &network, &options).unwrap_or_else(|error| panic!("{what}: {error}"));
            assert_eq!(written_network(&model).unwrap(), Some(network.clone()), "{what}");
            assert!(unpaired(&model).is_empty(), "{what}");
            // Every weight is within half a step of what it was: 1/254 of its channel's largest.
            for (name, tensor) in written_parameters(&model, &network).unwrap() {
                let exact = weights.get(&name).unwrap();
                let (seen, exact) = match exact.shape().len() {
                    1 => continue,
                    _ => (tensor.to_f32().unwrap(), exact.to_f32().unwrap()),
                };
                let largest = exact.iter().fold(0f32, |largest, value| largest.max(value.abs()));
                let off = seen.iter().zip(&exact).map(|(a, b)| (a - b).abs()).fold(0f32, f32::max);
                assert!(off <= largest / 253.0, "{what}: {name} is off by {off}");
                assert!(!name.starts_with("fc") || off > 0.0, "{what}: {name} isn't rounded");
            }
        }
    }
}

/// The graph itself, without its metadata: the network of before, whose pairs are nothing to it.
#[test]
fn a_graph_that_rounds_activations_is_no_network_unless_that_is_asked_for() {
    let (network, weights) = tiny("caffenet");
    let options = ExportOptions { quantize: Some(ranged(&network)), ..Default::default() };
    let model = decode(export(&network, &weights, &options)).unwrap();
    let error = read_graph(&model).unwrap_err().to_string();
    assert!(error.starts_with("node `input/quantized` (QuantizeLinear): the graph rounds activations"), "{error}");
    let graph = read_rounded_graph(&model).unwrap();
    let float = read_graph(&decode(export(&network, &weights, &ExportOptions::default())).unwrap()).unwrap();
    let kinds =
        |graph: &alexnet_spec::Graph| graph.nodes.iter().map(|n| (n.name.clone(), n.op.clone())).collect::<Vec<_>>();
    assert_eq!(kinds(&graph), kinds(&float));
}

#[test]
fn a_range_is_what_the_integers_reach() {
    let (network, weights) = tiny("torchvision");
    let affines = calibrated(&network).unwrap().into_iter().map(|value| (value, Affine { scale: 0.5, zero_point: 55 }));
    let quantize = Some(Quantization::Static(affines.collect()));
    let model = written(&network, &weights, &ExportOptions { quantize, ..Default::default() });
    let ranges = ranges(&model);
    assert_eq!(ranges["relu3"], [-27.5, 100.0]);
    // The pool hands on relu1's integers.
    assert_eq!(ranges["pool1"], ranges["relu1"]);
}

#[test]
fn other_steps_than_the_options_are_another_graph() {
    let (network, weights) = tiny("torchvision");
    let Quantization::Static(right) = ranged(&network) else { panic!("it is static") };
    let options = |affines| ExportOptions { quantize: Some(Quantization::Static(affines)), ..Default::default() };
    let model = written(&network, &weights, &options(right.clone()));
    let mut wrong = right.clone();
    wrong.insert("relu2".into(), Affine { scale: 0.25, zero_point: 0 });
    let error = check(&model, &network, &options(wrong)).unwrap_err().to_string();
    assert!(error.contains("relu2") || error.contains("conv3"), "{error}");
    let missing: BTreeMap<_, _> = right.into_iter().filter(|(value, _)| value != "relu2").collect();
    let error = alexnet_onnx::graph(&network, &Metadata::default(), &options(missing)).unwrap_err().to_string();
    assert_eq!(error, "the calibration has no range of `relu2`");
}

#[test]
fn candle_onnx_gives_nearly_pytorchs_logits() {
    for name in ["torchvision", "krizhevsky-2012"] {
        let (network, weights) = tiny(name);
        let golden = golden(name);
        let options = ExportOptions { quantize: Some(Quantization::Weights), ..Default::default() };
        let model = written(&network, &weights, &options);
        let off = error(&run(&model, &golden["input"], &[])["logits"], &golden["logits"]);
        assert!((1e-5..0.2).contains(&off), "{name}: {off}");
    }
}

//! Exported graphs, lowered and interpreted by candle-onnx, give PyTorch's answers.

mod support;

use alexnet_onnx::{Batch, ExportOptions, LrnForm};
use alexnet_spec::{DType, networks};
use support::*;

/// Relative to the largest value: rounding of f32 sums in another order.
const F32: f32 = 1e-5;
/// f16 rounds to 11 bits after each of some twenty layers.
const F16: f32 = 1e-2;

#[test]
fn every_layer_of_every_network_agrees_with_pytorch() {
    let mut failures = Vec::new();
    for entry in networks::ALL {
        let (network, weights) = tiny(entry.name);
        let golden = golden(entry.name);
        for lrn in [LrnForm::Native, LrnForm::Primitive] {
            let options = ExportOptions { lrn, taps: true, ..Default::default() };
            let model = decode(export(&network, &weights, &options)).unwrap();
            assert_eq!(model.outputs().len(), network.layers.len());
            for (name, actual) in run(&model, &golden["input"], &[]) {
                let error = error(&actual, &golden[&name]);
                if error > F32 {
                    failures.push(format!("{} {lrn:?} {name}: {error:e}", entry.name));
                }
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn every_opset_batch_and_type_gives_the_logits() {
    let mut failures = Vec::new();
    for entry in networks::ALL {
        let (network, weights) = tiny(entry.name);
        let golden = golden(entry.name);
        for (opset, dtype, batch, bound) in [
            (9, DType::F32, Batch::Dynamic, F32),
            (13, DType::F32, Batch::Fixed(2), F32),
            (22, DType::F32, Batch::Dynamic, F32),
            (9, DType::F16, Batch::Fixed(2), F16),
            (17, DType::F16, Batch::Dynamic, F16),
            (13, DType::BF16, Batch::Dynamic, 6e-2),
        ] {
            let options = ExportOptions { opset, dtype, batch, ..Default::default() };
            let model = decode(export(&network, &weights, &options)).unwrap();
            let outputs = run(&model, &golden["input"], &[]);
            let error = error(&outputs["logits"], &golden["logits"]);
            if error > bound {
                failures.push(format!("{} opset {opset} {dtype}: {error:e}", entry.name));
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// An f16 graph is computed in f16: its error is that of 11 bits, not of 24.
#[test]
fn half_precision_is_computed_in_half_precision() {
    let (network, weights) = tiny("bvlc");
    let golden = golden("bvlc");
    let options = ExportOptions { dtype: DType::F16, ..Default::default() };
    let model = decode(export(&network, &weights, &options)).unwrap();
    let outputs = run(&model, &golden["input"], &[]);
    assert_eq!(outputs["logits"].dtype(), candle_core::DType::F16);
    assert!(error(&outputs["logits"], &golden["logits"]) > 1e-5);
}

#[test]
fn a_tap_is_an_output_after_the_graphs_own() {
    let (network, weights) = tiny("caffenet");
    let golden = golden("caffenet");
    let model = decode(export(&network, &weights, &ExportOptions::default())).unwrap();
    let outputs = run(&model, &golden["input"], &["norm1".into(), "pool5".into()]);
    assert_eq!(outputs.len(), 3);
    for name in ["norm1", "pool5", "logits"] {
        assert!(error(&outputs[name], &golden[name]) < F32, "{name}");
    }
    let message = alexnet_onnx::lower(&model, 1, &["drop6".into()]).unwrap_err().to_string();
    assert!(message.starts_with("graph: no node computes `drop6`; the graph has conv1, relu1, "), "{message}");
}

/// The softmax of PyTorch's logits, by hand.
#[test]
fn probabilities_are_the_softmax_of_the_logits() {
    let (network, weights) = tiny("torchvision");
    let golden = golden("torchvision");
    let logits = golden["logits"].to_f32().unwrap();
    for opset in [9, 13, 17] {
        let options = ExportOptions { softmax: true, opset, ..Default::default() };
        let model = decode(export(&network, &weights, &options)).unwrap();
        assert_eq!(model.outputs()[0].name, "probabilities");
        let outputs = run(&model, &golden["input"], &[]);
        let actual: Vec<Vec<f32>> = outputs["probabilities"].to_vec2().unwrap();
        for (row, logits) in actual.iter().zip(logits.chunks(10)) {
            let sum: f64 = logits.iter().map(|v| f64::from(*v).exp()).sum();
            for (p, logit) in row.iter().zip(logits) {
                assert!((f64::from(*p) - f64::from(*logit).exp() / sum).abs() < 1e-5);
            }
        }
    }
}

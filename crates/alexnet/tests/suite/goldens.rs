//! Every network of the registry, layer by layer, against PyTorch.

use crate::support::{error, golden, model, tiny};
use alexnet::spec::networks;
use candle_core::{DType, Tensor};

/// The goldens are f64 rounded to f32. All tolerances are relative to a layer's largest value.
const F64: f64 = 1e-7;

/// Sums in another order on another machine: up to 2.4e-6 was seen, behind eight layers.
const F32: f64 = 1e-5;

/// Each layer's output is rounded to 11 bits, and so are the weights.
const F16: f64 = 8e-3;

/// Each layer's output is rounded to 8 bits, and so are the weights.
const BF16: f64 = 6e-2;

fn taps(name: &str, dtype: DType) -> Vec<(String, Tensor)> {
    let model = model(&tiny(name), name, dtype).unwrap();
    let input = golden(name)["input"].to_dtype(dtype).unwrap();
    let mut taps = Vec::new();
    let logits = model
        .forward_with_taps(&input, &mut |name, output| {
            taps.push((name.to_owned(), output.clone()));
            Ok(())
        })
        .unwrap();
    taps.push(("logits".into(), logits));
    taps
}

fn check(dtype: DType, tolerance: f64) {
    for entry in networks::ALL {
        let golden = golden(entry.name);
        let taps = taps(entry.name, dtype);
        assert_eq!(taps.len(), tiny(entry.name).layers.len() + 1);
        for (layer, output) in taps {
            // Layers are kept for the first example alone, logits for all.
            let expected = &golden[&layer];
            let output = output.narrow(0, 0, expected.dim(0).unwrap()).unwrap();
            let error = error(&output, expected);
            assert!(error <= tolerance, "{} {layer} in {dtype:?}: error {error:e}", entry.name);
        }
    }
}

#[test]
fn every_layer_of_every_network_agrees_in_f32() {
    check(DType::F32, F32);
}

#[test]
fn every_layer_of_every_network_agrees_in_f64() {
    check(DType::F64, F64);
}

#[test]
fn every_layer_of_every_network_agrees_in_f16() {
    check(DType::F16, F16);
}

#[test]
fn every_layer_of_every_network_agrees_in_bf16() {
    check(DType::BF16, BF16);
}

#[test]
fn forward_and_features_are_the_taps() {
    for entry in networks::ALL {
        let network = tiny(entry.name);
        let model = model(&network, entry.name, DType::F32).unwrap();
        let golden = golden(entry.name);
        let logits = model.forward(&golden["input"]).unwrap();
        assert!(error(&logits, &golden["logits"]) <= F32, "{}", entry.name);
        let features = model.features(&golden["input"]).unwrap();
        // The ReLU of Krizhevsky's programs sits on the pool.
        let on_pool = ["krizhevsky-2012", "cuda-convnet2"].contains(&entry.name);
        let last = if on_pool { "relu5" } else { "pool5" };
        assert!(error(&features.narrow(0, 0, 1).unwrap(), &golden[last]) <= F32, "{}", entry.name);
    }
}

#[test]
fn each_layer_alone_agrees_when_fed_the_reference() {
    for entry in networks::ALL {
        let network = tiny(entry.name);
        let model = model(&network, entry.name, DType::F32).unwrap();
        let golden = golden(entry.name);
        let mut input = golden["input"].narrow(0, 0, 1).unwrap();
        for layer in &network.layers {
            let output = model.forward_layer(&layer.name, &input).unwrap();
            let error = error(&output, &golden[&layer.name]);
            assert!(error <= F32, "{} {}: error {error:e}", entry.name, layer.name);
            input = golden[&layer.name].clone();
        }
    }
}

#[test]
fn logits_stop_before_a_softmax_and_taps_go_through_it() {
    let network = tiny("torchvision").with_softmax();
    let model = model(&network, "torchvision", DType::F32).unwrap();
    let golden = golden("torchvision");
    let mut last = None;
    let logits = model
        .forward_with_taps(&golden["input"], &mut |name, output| {
            last = Some((name.to_owned(), output.clone()));
            Ok(())
        })
        .unwrap();
    assert!(error(&logits, &golden["logits"]) <= F32);
    assert!(error(&model.forward(&golden["input"]).unwrap(), &golden["logits"]) <= F32);
    let (name, probabilities) = last.unwrap();
    let sums = probabilities.sum(1).unwrap().to_vec1::<f32>().unwrap();
    assert!(name == "prob" && sums.iter().all(|sum| (sum - 1.0).abs() < 1e-5));
}

#[test]
fn a_network_of_features_alone_returns_them() {
    let network = tiny("bvlc").features_only();
    let model = model(&network, "bvlc", DType::F32).unwrap();
    let golden = golden("bvlc");
    let features = model.forward(&golden["input"]).unwrap();
    assert!(error(&features.narrow(0, 0, 1).unwrap(), &golden["pool5"]) <= F32);
}

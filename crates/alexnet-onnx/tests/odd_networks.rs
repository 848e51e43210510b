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

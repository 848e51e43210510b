//! The graphs of all networks give PyTorch's values at every layer.

use crate::array::Array;
use crate::graph::Graph;
use crate::runtimes::{Kind, Names, Runtime, Spec, open_graph, values};
use alexnet_onnx::{Data, ExportOptions, LrnForm, write};
use alexnet_spec::{DType, Metadata, Network, Tensor, Weights, networks};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Relative to the largest value: rounding of f32 sums in another order.
const F32: f32 = 1e-5;

fn fixture(path: &str) -> PathBuf {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures")).join(path)
}

/// All tensors of a safetensors file, which are f32, and the header's strings.
fn tensors(path: &Path) -> (BTreeMap<String, Tensor>, std::collections::HashMap<String, String>) {
    let bytes = std::fs::read(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let file = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    let (_, header) = safetensors::SafeTensors::read_metadata(&bytes).unwrap();
    let tensor = |view: &safetensors::tensor::TensorView| {
        Tensor::new(DType::F32, view.shape().to_vec(), view.data().to_vec().into()).unwrap()
    };
    let tensors = file.iter().map(|(name, view)| (name.to_owned(), tensor(&view))).collect();
    (tensors, header.metadata().clone().unwrap_or_default())
}

fn array(tensor: &Tensor) -> Array {
    Array::new(tensor.shape().to_vec(), tensor.to_f32().unwrap()).unwrap()
}

/// A network of the registry in small, with the weights of its fixture, PyTorch's values and their input.
fn tiny(name: &str) -> (Network, Weights, BTreeMap<String, Array>, Array) {
    let (weights, _) = tensors(&fixture(&format!("networks/{name}.safetensors")));
    let network = networks::get(name).unwrap().fitted(|p| weights.get(p).map(Tensor::shape)).unwrap();
    let weights = Weights::new(&network, weights).unwrap();
    let (golden, header) = tensors(&fixture(&format!("goldens/{name}.safetensors")));
    let (input, _) = tensors(&fixture(&header["input"]));
    let golden = golden.iter().map(|(name, tensor)| (name.clone(), array(tensor))).collect();
    (network, weights, golden, array(&input["input"]))
}

fn graph(network: &Network, weights: &Weights, options: &ExportOptions) -> Graph {
    let mut bytes = Vec::new();
    write(&mut bytes, network, weights, &Metadata::default(), options, Data::Inline).unwrap();
    Graph::decode("graph", bytes.into(), |_| unreachable!()).unwrap()
}

fn opened(graph: &Graph, network: Option<&Network>) -> Box<dyn Runtime> {
    open_graph(&Spec::of(Kind::Tract), graph, || Names::new(graph, network), true).unwrap()
}

/// The largest difference, relative to the largest expected magnitude.
fn error(found: &Array, expected: &Array) -> f32 {
    assert_eq!(found.shape, expected.shape);
    let scale = expected.data.iter().fold(0f32, |max, v| max.max(v.abs()));
    let worst = found.data.iter().zip(&expected.data).fold(0f32, |max, (a, b)| max.max((a - b).abs()));
    assert!(worst.is_finite());
    if scale == 0.0 { worst } else { worst / scale }
}

#[test]
fn every_layer_of_every_network_agrees_with_pytorch() {
    let mut failures = Vec::new();
    for entry in networks::ALL {
        let (network, weights, golden, input) = tiny(entry.name);
        let taps: Vec<String> = network.layers.iter().map(|layer| layer.name.clone()).collect();
        for lrn in [LrnForm::Native, LrnForm::Primitive] {
            let graph = graph(&network, &weights, &ExportOptions { lrn, ..Default::default() });
            let found = values(opened(&graph, Some(&network)).as_mut(), &input, &taps).unwrap();
            assert!(found.len() > 8, "{}: {} values", entry.name, found.len());
            for (layer, found) in &found {
                // Of layers, the first example's values are recorded.
                let recorded = &golden[layer];
                let error = error(&found.examples(0, recorded.batch()).unwrap(), recorded);
                if error > F32 {
                    failures.push(format!("{} {lrn:?} {layer}: {error:e}", entry.name));
                }
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn every_opset_gives_the_logits() {
    let mut failures = Vec::new();
    for entry in networks::ALL {
        let (network, weights, golden, input) = tiny(entry.name);
        for opset in [9, 13, 18, 22] {
            let graph = graph(&network, &weights, &ExportOptions { opset, ..Default::default() });
            match values(opened(&graph, Some(&network)).as_mut(), &input, &[]) {
                Ok(found) => {
                    let error = error(&found["logits"], &golden["logits"]);
                    if error > F32 {
                        failures.push(format!("{} opset {opset}: {error:e}", entry.name));
                    }
                }
                Err(error) => failures.push(format!("{} opset {opset}: {error:#}", entry.name)),
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn graphs_of_other_exporters_give_pytorchs_logits() {
    let mut failures = Vec::new();
    for (file, golden) in [
        ("caffenet-9", "caffenet"),
        ("caffenet-12", "caffenet"),
        ("bvlcalexnet-9", "bvlcalexnet"),
        ("bvlcalexnet-12", "bvlcalexnet"),
        ("torchvision-torchscript-17", "torchvision"),
        ("torchvision-dynamo-18", "torchvision"),
        ("towers-split", "towers-split"),
        ("towers-slice", "towers-slice"),
        ("int8-weights", "int8-weights"),
    ] {
        let (golden, header) = tensors(&fixture(&format!("onnx/{golden}.golden.safetensors")));
        let (input, _) = tensors(&fixture(&header["input"]));
        let path = fixture(&format!("onnx/{file}.onnx"));
        let graph = Graph::decode(file, std::fs::read(path).unwrap().into(), |_| unreachable!()).unwrap();
        let input = array(&input["input"]);
        let found = values(opened(&graph, None).as_mut(), &input, &[]);
        match found.map(|found| error(&found["logits"], &array(&golden["logits"]))) {
            Ok(error) if error <= F32 => {}
            Ok(error) => failures.push(format!("{file}: {error:e}")),
            Err(error) => failures.push(format!("{file}: {error:#}")),
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// A layer alone, fed what PyTorch's layer before it gives.
#[test]
fn a_layer_runs_alone() {
    let (network, weights, golden, _) = tiny("bvlc");
    let graph = graph(&network, &weights, &ExportOptions::default());
    let mut runtime = opened(&graph, Some(&network));
    for (after, layer) in [("relu1", "norm1"), ("norm1", "conv2"), ("flatten", "relu6")] {
        let input = &golden[after];
        let mut piece = runtime.piece(Some(after), layer, &input.shape).unwrap().unwrap();
        assert!(error(&piece.run(input).unwrap(), &golden[layer]) <= F32, "{layer}");
    }
}

#[test]
fn what_tract_does_not_know_is_said_and_is_no_verdict() {
    let (network, weights, _, input) = tiny("torchvision");
    for (dtype, opset, said) in [(DType::BF16, 22, "Bfloat16"), (DType::F16, 17, "Gemm")] {
        let graph = graph(&network, &weights, &ExportOptions { dtype, opset, ..Default::default() });
        let error = values(opened(&graph, Some(&network)).as_mut(), &input, &[]).unwrap_err();
        assert!(crate::runtimes::is_unsupported(&error));
        assert!(error.to_string().contains(said), "{error}");
    }
}

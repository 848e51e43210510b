//! Every network of the registry in every form of graph, judged by onnx and ONNX Runtime against PyTorch's logits.

use alexnet_spec::networks;
use alexnet_tests::fixture;
use alexnet_tests::judge::{Job, judge, present};
use alexnet_tests::run::Run;
use std::path::PathBuf;

const CONVERT: &str = env!("CARGO_BIN_EXE_alexnet-convert-under-test");

struct Form {
    name: &'static str,
    options: &'static [&'static str],
    /// The part of the largest output that ONNX Runtime may be off; `None`: it can't run the graph.
    tolerance: Option<f64>,
}

/// Single precision: what the order of additions makes.
const F32: Option<f64> = Some(1e-4);
/// Half precision: 11 bits in every weight and activation, amplified by the layers after.
const F16: Option<f64> = Some(3e-2);

const FORMS: &[Form] = &[
    Form { name: "default", options: &[], tolerance: F32 },
    Form { name: "opset9", options: &["--opset", "9"], tolerance: F32 },
    Form { name: "opset13", options: &["--opset", "13"], tolerance: F32 },
    Form { name: "opset22", options: &["--opset", "22"], tolerance: F32 },
    Form { name: "primitive", options: &["--lrn", "primitive"], tolerance: F32 },
    Form { name: "primitive9", options: &["--lrn", "primitive", "--opset", "9"], tolerance: F32 },
    Form { name: "batch2", options: &["--batch", "2"], tolerance: F32 },
    Form { name: "f16", options: &["--dtype", "f16"], tolerance: F16 },
    // ONNX Runtime's CPU kernels don't take bf16.
    Form { name: "bf16", options: &["--dtype", "bf16", "--opset", "22"], tolerance: None },
    Form { name: "softmax", options: &["--softmax"], tolerance: F32 },
];

#[test]
fn every_network_in_every_form_is_valid_and_gives_pytorchs_logits() {
    let folder = tempfile::tempdir().unwrap();
    let mut written = Vec::new();
    for entry in networks::ALL {
        let input = fixture(&format!("networks/{}.safetensors", entry.name));
        let golden = fixture(&format!("goldens/{}.safetensors", entry.name));
        for form in FORMS {
            let output = folder.path().join(format!("{}-{}.onnx", entry.name, form.name));
            let mut arguments = vec![input.clone(), output.clone()];
            arguments.extend(["--network", entry.name, "--no-verify"].map(PathBuf::from));
            arguments.extend(form.options.iter().map(PathBuf::from));
            Run::of(CONVERT, arguments).expect(0);
            written.push((output, golden.clone(), form.tolerance));
        }
        let pair =
            ["onnx", "safetensors"].map(|extension| folder.path().join(format!("{}-pair.{extension}", entry.name)));
        let mut arguments = vec![input, pair[0].clone(), pair[1].clone()];
        arguments.extend(["--network", entry.name, "--external-data"].map(PathBuf::from));
        Run::of(CONVERT, arguments).expect(0);
        let (graph, weights) = (pair[0].metadata().unwrap().len(), pair[1].metadata().unwrap().len());
        assert!(graph < weights / 10, "the graph holds weights of its own: {graph} bytes beside {weights}");
        written.push((pair[0].clone(), golden, F32));
    }
    if !present() {
        return;
    }
    let jobs: Vec<Job> = written
        .iter()
        .map(|(path, golden, tolerance)| Job::Onnx {
            path,
            golden: tolerance.map(|_| golden.clone()),
            tolerance: tolerance.unwrap_or(0.0),
        })
        .collect();
    judge(&jobs);
}

#[test]
fn bf16_names_the_opset_that_takes_it() {
    let folder = tempfile::tempdir().unwrap();
    let output = folder.path().join("out.onnx");
    let input = fixture("pytorch/zip.pth");
    let arguments =
        [input.as_os_str(), output.as_os_str(), "--dtype".as_ref(), "bf16".as_ref(), "--opset".as_ref(), "9".as_ref()];
    Run::of(CONVERT, arguments).expect(2).says("opset");
    assert!(!output.exists());
}

#[test]
fn all_networks_are_listed() {
    let listed = Run::of(CONVERT, ["--list-networks"]).expect(0).stdout;
    for entry in networks::ALL {
        assert!(listed.contains(entry.name), "{listed}");
    }
}

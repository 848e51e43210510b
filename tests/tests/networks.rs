//! Every network of the registry in every form of graph, judged by onnx and ONNX Runtime against PyTorch's logits.

use alexnet_spec::{Op, networks};
use alexnet_tests::judge::{Job, judge, present};
use alexnet_tests::run::Run;
use alexnet_tests::{arrays, fixture};
use std::path::PathBuf;
use std::process::Command;

const CONVERT: &str = env!("CARGO_BIN_EXE_alexnet-convert-under-test");
const VERIFY: &str = env!("CARGO_BIN_EXE_alexnet-verify-under-test");

struct Form {
    name: &'static str,
    options: &'static [&'static str],
    /// The part of the largest output that ONNX Runtime may be off.
    tolerance: f64,
}

/// Single precision: what the order of additions makes.
const F32: f64 = 1e-4;
/// Half precision: 11 bits in every weight and activation, amplified by the layers after.
const F16: f64 = 3e-2;

/// Weights of 8 bits of mantissa, computed in single precision.
const BF16: f64 = 6e-2;

const FORMS: &[Form] = &[
    Form { name: "default", options: &[], tolerance: F32 },
    Form { name: "opset9", options: &["--opset", "9"], tolerance: F32 },
    Form { name: "opset13", options: &["--opset", "13"], tolerance: F32 },
    Form { name: "opset22", options: &["--opset", "22"], tolerance: F32 },
    Form { name: "primitive", options: &["--lrn", "primitive"], tolerance: F32 },
    Form { name: "primitive9", options: &["--lrn", "primitive", "--opset", "9"], tolerance: F32 },
    Form { name: "batch2", options: &["--batch", "2"], tolerance: F32 },
    Form { name: "f16", options: &["--dtype", "f16"], tolerance: F16 },
    Form { name: "bf16", options: &["--dtype", "bf16"], tolerance: BF16 },
    Form { name: "bf16-13", options: &["--dtype", "bf16", "--opset", "13"], tolerance: BF16 },
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
        .map(|(path, golden, tolerance)| Job::Onnx { path, golden: Some(golden.clone()), tolerance: *tolerance })
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

/// The candle model and the graph against each layer's output as PyTorch has it, for the photograph.
#[test]
fn every_layer_of_every_network_gives_what_pytorchs_gives() {
    let folder = tempfile::tempdir().unwrap();
    for entry in networks::ALL {
        let (mut recorded, metadata) = arrays::read(&fixture(&format!("goldens/{}.safetensors", entry.name)));
        let (inputs, _) = arrays::read(&fixture(&metadata["input"]));
        recorded.insert("input".into(), inputs["input"].examples(0..1));
        recorded.insert("logits".into(), recorded["logits"].examples(0..1));
        let fixtures = folder.path().join("recorded.safetensors");
        arrays::write(&fixtures, recorded.iter().map(|(name, array)| (name.as_str(), array)));

        let input = fixture(&format!("networks/{}.safetensors", entry.name));
        let onnx = folder.path().join(format!("{}.onnx", entry.name));
        let named = ["--network", entry.name];
        let mut command = Command::new(CONVERT);
        Run::command(command.arg(&input).arg(&onnx).arg("--no-verify").args(named)).expect(0);
        let mut command = Command::new(VERIFY);
        Run::command(command.args([&input, &onnx]).args(named).arg("--layers").arg("--fixtures").arg(&fixtures))
            .expect(0);

        // A wrong layer in the middle alone, and right logits: it is the layer that is compared.
        recorded.get_mut("pool2").unwrap().values.iter_mut().for_each(|value| *value *= 1.01);
        arrays::write(&fixtures, recorded.iter().map(|(name, array)| (name.as_str(), array)));
        let mut command = Command::new(VERIFY);
        command.args([&input, &onnx]).args(named).arg("--layers").arg("--fixtures").arg(&fixtures);
        let run = Run::command(&mut command).expect(1);
        assert!(run.stdout.contains("pool2"), "{run}");
    }
}

/// BVLC's network with k = 2 is in no registry; fixtures/mutants/k-of-2.onnx is that network, made by another program.
#[test]
fn a_users_own_network_comes_from_a_json_file() {
    let folder = tempfile::tempdir().unwrap();
    let mut network = networks::get("bvlc").unwrap();
    network.name = "mine".into();
    for layer in &mut network.layers {
        if let Op::LocalResponseNorm(norm) = &mut layer.op {
            norm.k = 2.0;
        }
    }
    let file = folder.path().join("mine.json");
    std::fs::write(&file, network.to_json()).unwrap();
    let checkpoint = fixture("pytorch/jiecaoyu.pth.tar");
    let onnx = folder.path().join("mine.onnx");
    let mut command = Command::new(CONVERT);
    Run::command(command.args([&checkpoint, &onnx]).arg("--network").arg(&file)).expect(0);
    Run::of(VERIFY, [&onnx, &fixture("mutants/k-of-2.onnx")]).expect(0);
    Run::of(VERIFY, [&onnx, &fixture("mutants/right.onnx")]).expect(1);
}

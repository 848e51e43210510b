//! `alexnet-verify --reduce` writes tests that onnx's own runner fails, and passes once the graph is put right.

use alexnet_tests::fixture;
use alexnet_tests::judge::{Job, judge, onnx_runtime, present};
use alexnet_tests::run::Run;
use serde_json::Value;
use std::path::Path;
use std::process::Command;

const VERIFY: &str = env!("CARGO_BIN_EXE_alexnet-verify-under-test");

/// A mutant against the checkpoint that it was made from, reduced to `target`.
fn reduced(mutant: &str, runtime: &str, target: &Path) -> Value {
    let mut command = Command::new(VERIFY);
    if let Some(library) = onnx_runtime() {
        command.env("ORT_DYLIB_PATH", library);
    }
    command.arg(fixture("pytorch/jiecaoyu.pth.tar")).arg(fixture(&format!("mutants/{mutant}.onnx")));
    command.args(["--json", "--runtime", runtime, "--reduce"]).arg(target);
    let run = Run::command(&mut command).expect(1);
    serde_json::from_str(&run.stdout).unwrap_or_else(|error| panic!("{error}:\n{run}"))
}

/// The mutants, the layer that differs, its operators, and a bound of the graph's size in bytes.
const MUTANTS: [(&str, &str, &str, u64); 6] = [
    ("one-weight", "conv3", "Conv", 400),
    ("one-tensor", "conv4", "Conv", 400),
    ("alpha-not-divided", "norm1", "LRN", 300),
    ("k-of-2", "norm1", "LRN", 300),
    ("pool-before-norm", "norm1", "MaxPool LRN", 400),
    ("reversed-channels", "conv1", "Conv", 1000),
];

#[test]
fn each_mistake_is_reduced_to_a_test_that_only_a_right_graph_passes() {
    if !present() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let mut jobs = Vec::new();
    let right = fixture("mutants/right.onnx");
    let targets: Vec<_> = ["ort", "candle-onnx"]
        .iter()
        .flat_map(|runtime| {
            MUTANTS.map(|mutant| (*runtime, mutant, folder.path().join(format!("{}-{runtime}", mutant.0))))
        })
        .collect();
    for (runtime, (mutant, layer, operators, most), target) in &targets {
        let report = reduced(mutant, runtime, target);
        let reduction = &report["reduced"];
        assert_eq!(reduction["layer"], *layer);
        let used: Vec<_> = reduction["operators"].as_array().unwrap().iter().map(|o| o.as_str().unwrap()).collect();
        assert_eq!(used.join(" "), *operators, "{mutant}");
        let bytes = reduction["bytes"].as_u64().unwrap();
        assert_eq!(bytes, std::fs::metadata(target.join("model.onnx")).unwrap().len());
        assert!(bytes < *most, "{mutant}: {bytes} bytes");
        assert!(std::fs::read_to_string(target.join("README.txt")).unwrap().contains(layer));
        jobs.push(Job::Reduced {
            path: target,
            right: right.clone(),
            difference: reduction["difference"].as_f64(),
            allowed: reduction["allowed"].as_f64().unwrap(),
            mend: mutant,
        });
    }
    judge(&jobs);
}

#[test]
fn the_same_difference_gives_the_same_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let targets = ["first", "second"].map(|name| folder.path().join(name));
    targets.iter().for_each(|target| drop(reduced("one-tensor", "candle-onnx", target)));
    for file in ["model.onnx", "README.txt", "test_data_set_0/input_0.pb", "test_data_set_0/output_0.pb"] {
        let [first, second] = targets.each_ref().map(|target| std::fs::read(target.join(file)).unwrap());
        assert_eq!(first, second, "{file}");
    }
}

#[test]
fn nothing_is_written_where_both_sides_agree() {
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("reduced");
    let files = ["pytorch/jiecaoyu.pth.tar", "mutants/right.onnx"].map(fixture);
    let mut command = Command::new(VERIFY);
    Run::command(command.args(files).args(["--runtime", "candle-onnx", "--reduce"]).arg(&target)).expect(0);
    assert!(std::fs::read_dir(folder.path()).unwrap().next().is_none());
}

#[test]
fn a_folder_that_holds_something_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("mine"), "").unwrap();
    let files = ["pytorch/jiecaoyu.pth.tar", "mutants/k-of-2.onnx"].map(fixture);
    let reduce = |target: &Path| {
        let mut command = Command::new(VERIFY);
        Run::command(command.args(&files).arg("--reduce").arg(target)).expect(2)
    };
    reduce(folder.path()).says("isn't empty");
    reduce(&folder.path().join("mine")).says("it is no folder");
    reduce(&folder.path().join("missing/reduced")).says("there is no folder");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}

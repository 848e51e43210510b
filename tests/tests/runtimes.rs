//! Which runtimes run what, and that none is left out in silence.

use alexnet_tests::judge::onnx_runtime;
use alexnet_tests::run::Run;
use alexnet_tests::{arrays, fixture};
use serde_json::Value;
use std::path::Path;
use std::process::Command;

const VERIFY: &str = env!("CARGO_BIN_EXE_alexnet-verify-under-test");
const CHECKPOINT: &str = "pytorch/jiecaoyu.pth.tar";
const RIGHT: &str = "mutants/right.onnx";

fn verify(files: &[&Path], options: &[&str]) -> Run {
    let mut command = Command::new(VERIFY);
    // A library that the machine happens to have must not decide what is tested.
    command.env("ORT_DYLIB_PATH", "/nonexistent");
    Run::command(command.args(files).args(options))
}

fn json(run: &Run) -> Value {
    serde_json::from_str(&run.stdout).unwrap_or_else(|error| panic!("{error}:\n{run}"))
}

/// The runtimes of one side, as the report has them.
fn runtimes(report: &Value, side: &str) -> Vec<String> {
    let runs = report[side]["runs"].as_array().expect("runs");
    runs.iter().map(|run| run["runtime"].as_str().expect("a name").to_owned()).collect()
}

/// A golden with its input in one file.
fn recorded(folder: &Path, golden: &str) -> std::path::PathBuf {
    let path = folder.join("recorded.safetensors");
    arrays::write_fixture(&path, golden);
    path
}

#[test]
fn the_runtimes_of_one_file_are_compared_with_each_other() {
    let run = verify(&[&fixture(RIGHT)], &["--runtime", "candle,candle-onnx", "--json"]).expect(0);
    let report = json(&run);
    assert_eq!(runtimes(&report, "a"), ["candle cpu", "candle-onnx"]);
    assert_eq!(report["b"], Value::Null);
}

#[test]
fn one_runtime_of_one_file_has_nothing_to_be_compared_with() {
    verify(&[&fixture(RIGHT)], &["--runtime", "candle-onnx"]).expect(2).says("nothing was compared");
}

#[test]
fn recorded_logits_are_all_that_one_file_needs() {
    let folder = tempfile::tempdir().unwrap();
    let recorded = recorded(folder.path(), "goldens/jiecaoyu.safetensors");
    let options = ["--runtime", "candle-onnx,golden", "--fixtures", recorded.to_str().unwrap()];
    verify(&[&fixture(RIGHT)], &options).expect(0);
    let run = verify(&[&fixture("mutants/k-of-2.onnx")], &options).expect(1);
    assert!(run.stdout.contains("recorded"), "{run}");
}

#[test]
fn golden_insists_on_recorded_logits() {
    let files = [fixture(CHECKPOINT), fixture(RIGHT)];
    verify(&[&files[0], &files[1]], &["--runtime", "golden"]).expect(2).says("no logits are recorded for `noise`");
}

#[test]
fn a_runtime_that_takes_neither_form_gets_both_in_its_own() {
    let files = ["pytorch/zip.pth", "pytorch/legacy.pth"].map(fixture);
    let run = verify(&[&files[0], &files[1]], &["--runtime", "candle-onnx", "--json"]).expect(0);
    let report = json(&run);
    assert_eq!(
        (runtimes(&report, "a"), runtimes(&report, "b")),
        (vec!["candle-onnx".into()], vec!["candle-onnx".into()])
    );
}

#[test]
fn the_candle_model_computes_in_the_type_that_is_asked_for() {
    let files = [fixture(CHECKPOINT), fixture(RIGHT)];
    let run = verify(&[&files[0], &files[1]], &["--runtime", "candle,candle:f16,candle-onnx", "--json"]).expect(0);
    let report = json(&run);
    assert_eq!(runtimes(&report, "a"), ["candle cpu", "candle cpu f16"]);
    let rows = report["consistency"].as_array().unwrap();
    let of =
        |name: &str| rows.iter().find(|row| row["runtime"] == name).unwrap_or_else(|| panic!("no {name} in {run}"));
    let error =
        |name: &str| of(name)["metrics"]["max_abs"].as_f64().unwrap() / of(name)["metrics"]["scale"].as_f64().unwrap();
    // Half a unit in the last place of f16 is 2^-11 of the value; nothing that rounds to it is exact to 1e-5.
    assert!(error("A: candle cpu f16") > 1e-5, "{run}");
    assert!(error("B: candle-onnx") < 1e-5, "{run}");
}

#[test]
fn a_runtime_that_cannot_be_had_is_an_error_that_says_how_to_get_it() {
    let files = [fixture(CHECKPOINT), fixture(RIGHT)];
    let refused = |runtime: &str, says: &str| {
        verify(&[&files[0], &files[1]], &["--runtime", runtime]).expect(2).says(says);
    };
    refused("ort", "ORT_DYLIB_PATH");
    if !cfg!(feature = "cuda") {
        refused("candle@cuda", "--features cuda");
    }
    if !cfg!(feature = "tract") {
        refused("tract", "--features tract");
    }
    refused("candle@cuda:x", "no device is called");
}

#[test]
fn a_runtime_that_nobody_named_and_is_missing_is_reported() {
    let files = [fixture(CHECKPOINT), fixture(RIGHT)];
    let report = json(&verify(&[&files[0], &files[1]], &["--json"]).expect(0));
    assert_eq!(runtimes(&report, "b"), ["candle-onnx"]);
    assert_eq!(report["unavailable"][0]["runtime"], "ort");
}

#[test]
fn a_copy_of_a_file_is_that_file() {
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("copy.onnx");
    std::fs::copy(fixture(RIGHT), &copy).unwrap();
    verify(&[&fixture(RIGHT), &copy], &[]).expect(2).says("byte for byte");
}

#[test]
fn inputs_run_in_batches_give_what_they_give_one_by_one() {
    let files = [fixture(CHECKPOINT), fixture(RIGHT)];
    let folder = tempfile::tempdir().unwrap();
    let recorded = recorded(folder.path(), "goldens/jiecaoyu.safetensors");
    for batch in ["1", "2", "3"] {
        let options = ["--batch", batch, "--fixtures", recorded.to_str().unwrap()];
        verify(&[&files[0], &files[1]], &options).expect(0);
        let run = verify(&[&files[0], &fixture("mutants/one-tensor.onnx")], &options).expect(1);
        assert!(run.stdout.contains("conv4 parts first"), "{run}");
    }
}

#[test]
fn onnx_runtime_runs_checkpoints_too() {
    let Some(library) = onnx_runtime() else { return };
    let mut command = Command::new(VERIFY);
    command.env("ORT_DYLIB_PATH", library).arg(fixture("pytorch/zip.pth")).args(["--runtime", "candle,ort", "--json"]);
    let report = json(&Run::command(&mut command).expect(0));
    let names = runtimes(&report, "a");
    assert!(names[0] == "candle cpu" && names[1].starts_with("ort 1."), "{names:?}");
}

#[test]
fn a_graph_of_another_program_on_onnx_runtime_is_the_truth_about_itself() {
    let Some(library) = onnx_runtime() else { return };
    let verify = |graph: &str| {
        let mut command = Command::new(VERIFY);
        let files = [fixture(graph), fixture(CHECKPOINT)];
        Run::command(command.env("ORT_DYLIB_PATH", &library).args(files).args(["--network", "bvlc", "--json"]))
    };
    let report = json(&verify(RIGHT).expect(0));
    let truth = &report["truth"][0];
    assert_eq!(truth["runtime"], "B: candle cpu");
    assert!(truth["reference"].as_str().unwrap().ends_with("the source itself"), "{truth}");
    let report = json(&verify("mutants/k-of-2.onnx").expect(1));
    assert_eq!(report["truth"][0]["metrics"]["agrees"], false);
}

#[test]
fn a_runtime_named_twice_would_agree_with_itself() {
    verify(&[&fixture(RIGHT)], &["--runtime", "candle,candle:f32"]).expect(2).says("named twice");
}

#[test]
#[cfg(target_os = "linux")]
fn a_report_that_cannot_be_printed_is_no_success() {
    let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
    let mut command = Command::new(VERIFY);
    command.args([fixture(CHECKPOINT), fixture(RIGHT)]).stdout(full).env("ORT_DYLIB_PATH", "/nonexistent");
    assert_eq!(command.status().unwrap().code(), Some(2));
}

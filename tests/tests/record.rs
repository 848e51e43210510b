//! `alexnet-verify --save`: what was recorded is a fixture again, for this program and for others.

use alexnet_tests::judge::{Job, judge, present};
use alexnet_tests::run::{Run, files};
use alexnet_tests::{arrays, fixture};
use serde_json::Value;
use std::fs;
use std::path::Path;

const VERIFY: &str = env!("CARGO_BIN_EXE_alexnet-verify-under-test");

/// The checkpoint against a graph that another program made of it.
fn verify(graph: &str, options: &[&str]) -> Run {
    let files = ["pytorch/jiecaoyu.pth.tar", graph].map(|file| fixture(file).into_os_string());
    let options = ["--runtime", "candle-onnx"].iter().chain(options).map(Into::into);
    Run::of(VERIFY, files.into_iter().chain(options))
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn a_replay_comes_to_the_same_to_the_bit() {
    let folder = tempfile::tempdir().unwrap();
    let (first, second) = (folder.path().join("first"), folder.path().join("second"));
    verify("mutants/right.onnx", &["--save", text(&first), "--layers"]).expect(0);
    let run =
        verify("mutants/right.onnx", &["--fixtures", text(&first), "--layers", "--json", "--save", text(&second)]);
    let report: Value = serde_json::from_str(&run.expect(0).stdout).unwrap();
    let own = |row: &&Value| row["runtime"] == "A: candle cpu";
    let truth: Vec<&Value> = report["truth"].as_array().unwrap().iter().filter(own).collect();
    assert_eq!(truth.len(), 6, "an input of each kind, two of the extremes");
    assert!(truth.iter().all(|row| row["metrics"]["max_abs"] == 0.0), "{truth:?}");
    let layers = report["layers"].as_array().unwrap().iter();
    let layers: Vec<&Value> = layers.filter(|row| row["runtime"] == "A: candle cpu against recorded").collect();
    assert!(layers.len() > 10 && layers.iter().all(|row| row["cumulative"]["max_abs"] == 0.0), "{layers:?}");

    let names =
        |folder: &Path| files(folder).into_iter().filter(|name| name.ends_with(".safetensors")).collect::<Vec<_>>();
    let pairs = names(&first).into_iter().zip(names(&second));
    for (old, new) in pairs {
        assert_eq!(arrays::read(&first.join(&old)).0, arrays::read(&second.join(&new)).0, "{old} and {new}");
    }
}

#[test]
fn the_manifest_tells_of_every_file() {
    let folder = tempfile::tempdir().unwrap();
    let saved = folder.path().join("saved");
    // What differs is recorded as well.
    verify("mutants/k-of-2.onnx", &["--save", text(&saved)]).expect(1);
    let manifest: Value = serde_json::from_str(&fs::read_to_string(saved.join("manifest.json")).unwrap()).unwrap();
    assert_eq!(manifest["schema"], "alexnet-verify-record/1");
    assert_eq!(manifest["agreed"], false);
    assert!(manifest["command"].as_array().unwrap().contains(&"--save".into()));
    assert_eq!(manifest["a"]["sha256"].as_str().unwrap().len(), 64);
    for entry in manifest["fixtures"].as_array().unwrap() {
        let outputs = entry["outputs"].as_object().unwrap();
        assert_eq!(outputs.keys().collect::<Vec<_>>(), ["A: candle cpu", "B: candle-onnx"]);
        for file in outputs.values().chain([&entry["file"]]) {
            let path = saved.join(file["path"].as_str().unwrap());
            assert_eq!(fs::metadata(&path).unwrap().len(), file["bytes"].as_u64().unwrap(), "{}", path.display());
        }
        let logits = |file: &Value| arrays::read(&saved.join(file["path"].as_str().unwrap())).0["logits"].clone();
        assert_eq!(logits(&entry["file"]), logits(&outputs["A: candle cpu"]), "the reference's are those to replay");
        assert_ne!(logits(&entry["file"]), logits(&outputs["B: candle-onnx"]));
    }
    assert_eq!(files(folder.path()), ["saved"], "nothing else is left");
}

#[test]
fn a_folder_that_holds_something_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("mine"), "").unwrap();
    verify("mutants/right.onnx", &["--save", text(folder.path())]).expect(2).says("no empty folder");
    assert_eq!(files(folder.path()), ["mine"]);
}

#[test]
fn another_program_records_the_truth_in_it() {
    if !present() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let saved = folder.path().join("saved");
    verify("mutants/right.onnx", &["--save", text(&saved)]).expect(0);
    let (right, mutant) = (fixture("mutants/right.onnx"), fixture("mutants/k-of-2.onnx"));
    let noise = saved.join("000-noise.safetensors");
    judge(&[Job::RecordLogits { path: &noise, graph: right }]);
    verify("mutants/right.onnx", &["--fixtures", text(&saved)]).expect(0);
    judge(&[Job::RecordLogits { path: &noise, graph: mutant }]);
    let run = verify("mutants/right.onnx", &["--fixtures", text(&saved)]).expect(1);
    assert!(run.stdout.contains("000-noise"), "{run}");
}

#[test]
fn a_recorded_array_that_would_not_be_compared_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let recorded = folder.path().join("recorded.safetensors");
    arrays::write_fixture(&recorded, "goldens/jiecaoyu.safetensors");
    let (mut tensors, _) = arrays::read(&recorded);
    let logits = tensors.remove("logits").unwrap();
    tensors.insert("logit".into(), logits);
    arrays::write(&recorded, tensors.iter().map(|(name, array)| (name.as_str(), array)));
    verify("mutants/right.onnx", &["--fixtures", text(&recorded)]).expect(2).says("`logit` is neither");
}

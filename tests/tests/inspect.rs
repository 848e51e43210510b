//! `--inspect` tells what is in a file, convertible or not, and writes nothing.

use alexnet_tests::manifest::{Expect, manifest};
use alexnet_tests::run::{Run, files};
use serde_json::Value;
use std::path::PathBuf;
use std::process::Command;

const CONVERT: &str = env!("CARGO_BIN_EXE_alexnet-convert-under-test");

fn inspect(path: &str, options: &[PathBuf]) -> Run {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(CONVERT);
    command.arg(alexnet_tests::fixture(path)).arg("--inspect").args(options).current_dir(&folder);
    let run = Run::command(&mut command);
    assert_eq!(files(folder.path()), [""; 0], "{run}");
    run
}

#[test]
fn every_checkpoint_can_be_inspected_by_people_and_programs() {
    let manifest = manifest();
    for (fixture, case) in manifest.cases(Expect::Ok) {
        let mut options = case.arguments();
        let path = case.input.as_ref().unwrap_or(&fixture.path);
        let text = inspect(path, &options).expect(0).stdout;
        assert!(text.contains(case.network.as_deref().unwrap()), "{}:\n{text}", fixture.path);
        options.push("--json".into());
        let json = inspect(path, &options).expect(0).stdout;
        let json: Value = serde_json::from_str(&json).unwrap_or_else(|e| panic!("{}: {e}", fixture.path));
        assert!(json["groups"].as_array().is_some_and(|groups| !groups.is_empty()), "{}", fixture.path);
    }
}

#[test]
fn what_cannot_be_converted_is_shown_with_the_reason() {
    for (path, shown, reason) in [
        ("pytorch/resnet.pth", "layer1.0.conv1.weight", "ResNet"),
        ("pytorch/timm.pth.tar", "state_dict_ema", "--key"),
        ("pytorch/netdissect.pth", "conv1.weight", "--network"),
        ("pytorch/sparse.pth", "classifier.1.weight", "sparse"),
    ] {
        let text = inspect(path, &[]).expect(0).stdout;
        assert!(text.contains(shown) && text.contains(reason), "{path}:\n{text}");
    }
}

//! The whole 244 MB network, which is too much to hold twice.

use alexnet_tests::full_size::{checkpoint, transposed_checkpoint};
use alexnet_tests::judge::{Job, judge, present};
use alexnet_tests::run::Run;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const CONVERT: &str = env!("CARGO_BIN_EXE_alexnet-convert-under-test");
const VERIFY: &str = env!("CARGO_BIN_EXE_alexnet-verify-under-test");

/// `CONVERT input output... --network torchvision options`
fn command(input: &Path, outputs: &[PathBuf], options: &[&str]) -> Command {
    let mut command = Command::new(CONVERT);
    command.arg(input).args(outputs).args(["--network", "torchvision"]).args(options);
    command
}

#[test]
fn the_whole_network_is_converted_verified_and_the_same_again() {
    let folder = tempfile::tempdir().unwrap();
    let input = checkpoint(folder.path());
    let onnx = folder.path().join("full.onnx");
    Run::command(&mut command(&input, std::slice::from_ref(&onnx), &[])).expect(0);
    Run::of(VERIFY, [input.as_os_str(), onnx.as_os_str(), "--network".as_ref(), "torchvision".as_ref()]).expect(0);

    let again = folder.path().join("again.onnx");
    Run::command(&mut command(&input, std::slice::from_ref(&again), &["--no-verify"])).expect(0);
    assert!(fs::read(&onnx).unwrap() == fs::read(&again).unwrap(), "a second run writes other bytes");
}

/// Mapped files don't count as data: a limit far below one copy of the weights is enough, whether they are copied as they are
/// or turned.
#[cfg(target_os = "linux")]
#[test]
fn weights_are_never_copied_into_memory() {
    let folder = tempfile::tempdir().unwrap();
    let outputs = ["out.onnx", "out.safetensors"].map(|name| folder.path().join(name));
    for (make, network) in [(checkpoint as fn(&Path) -> PathBuf, "torchvision"), (transposed_checkpoint, "bvlc")] {
        let input = make(folder.path());
        let script = format!("ulimit -d 32768; exec \"$0\" \"$@\" --network {network} --no-verify --force");
        let arguments = [CONVERT.as_ref(), input.as_os_str(), outputs[0].as_os_str(), outputs[1].as_os_str()];
        Run::command(Command::new("sh").arg("-c").arg(script).args(arguments)).expect(0);
        for output in &outputs {
            assert!(fs::metadata(output).unwrap().len() > 243_000_000);
        }
    }
}

#[test]
fn a_checkpoint_of_pytorchs_own_size_gives_pytorchs_logits() {
    if !present() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let pth = folder.path().join("alexnet.pth");
    let golden = folder.path().join("golden.safetensors");
    judge(&[Job::MakeTorchvision { path: &pth, golden: golden.clone() }]);
    let outputs = ["alexnet.onnx", "alexnet.safetensors"].map(|name| folder.path().join(name));
    let mut command = Command::new(CONVERT);
    command.arg(&pth).args(&outputs).args(["--names", "torchvision", "--external-data"]);
    Run::command(&mut command).expect(0);
    judge(&[
        Job::Onnx { path: &outputs[0], golden: Some(golden), tolerance: 1e-4 },
        Job::Safetensors { path: &outputs[1], reference: Some(pth.clone()) },
        Job::Torchvision { path: &outputs[1] },
    ]);
}

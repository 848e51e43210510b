//! The programs, killed in the middle of their work.
#![cfg(unix)]

use alexnet_tests::full_size::checkpoint;
use alexnet_tests::run::{Run, files};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const CONVERT: &str = env!("CARGO_BIN_EXE_alexnet-convert-under-test");

/// `CONVERT input output... --network torchvision options`
fn command(input: &Path, outputs: &[PathBuf], options: &[&str]) -> Command {
    let mut command = Command::new(CONVERT);
    command.arg(input).args(outputs).args(["--network", "torchvision"]).args(options);
    command
}

/// Killed at any moment of the writing or of the check, there is no output, or all of them and whole.
#[test]
fn killed_in_the_middle_it_leaves_no_half_file() {
    const STEPS: u32 = 12;
    let folder = tempfile::tempdir().unwrap();
    let input = checkpoint(folder.path());
    let made = folder.path().join("made");
    let names = ["out.onnx", "out.safetensors"];
    let outputs = names.map(|name| made.join(name));
    for options in [&["--no-verify", "--quiet"][..], &["--quiet"]] {
        let afresh = || {
            let _ = fs::remove_dir_all(&made);
            fs::create_dir(&made).unwrap();
        };
        afresh();
        let start = Instant::now();
        Run::command(&mut command(&input, &outputs, options)).expect(0);
        let whole = start.elapsed();
        let sizes = outputs.each_ref().map(|path| fs::metadata(path).unwrap().len());

        let mut killed = 0;
        for step in 0..STEPS {
            afresh();
            let mut child =
                command(&input, &outputs, options).stderr(Stdio::null()).stdout(Stdio::null()).spawn().unwrap();
            std::thread::sleep((whole * step / STEPS).max(Duration::from_millis(1)));
            // SIGKILL
            let _ = child.kill();
            killed += u32::from(!child.wait().unwrap().success());
            for name in files(&made) {
                let index = names.iter().position(|output| *output == name);
                let index = index.unwrap_or_else(|| panic!("it left {name} after step {step}"));
                assert_eq!(
                    fs::metadata(made.join(&name)).unwrap().len(),
                    sizes[index],
                    "{name} is half after step {step}"
                );
            }
        }
        assert!(killed > 1, "{killed} of {STEPS} runs were killed before their end");
    }
}

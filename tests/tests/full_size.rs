//! The whole 244 MB network: time enough to be killed in, and too much to hold twice.

use alexnet_spec::networks;
use alexnet_tests::judge::{Job, judge, present};
use alexnet_tests::run::{Run, files};
use safetensors::tensor::{Dtype, TensorView, serialize_to_file};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const CONVERT: &str = env!("CARGO_BIN_EXE_alexnet-convert-under-test");
const VERIFY: &str = env!("CARGO_BIN_EXE_alexnet-verify-under-test");

/// Writes torchvision's network with random weights of the size that its layers are initialised with.
fn checkpoint(folder: &Path) -> PathBuf {
    let network = networks::get("torchvision").unwrap();
    let mut seed = 0x9e37_79b9_7f4a_7c15u64;
    let tensors: Vec<(String, Vec<usize>, Vec<u8>)> = network
        .parameters()
        .unwrap()
        .into_iter()
        .map(|parameter| {
            let fan_in: usize = parameter.shape[1..].iter().product();
            let bound = 1.7 / (fan_in as f32).sqrt().max(10.0);
            let mut bytes = Vec::with_capacity(4 * parameter.elements());
            for _ in 0..parameter.elements() {
                // xorshift64
                seed ^= seed << 13;
                seed ^= seed >> 7;
                seed ^= seed << 17;
                let uniform = (seed >> 40) as f32 / (1u32 << 23) as f32 - 1.0;
                bytes.extend_from_slice(&(uniform * bound).to_le_bytes());
            }
            (parameter.name, parameter.shape, bytes)
        })
        .collect();
    let views =
        tensors.iter().map(|(name, shape, data)| (name, TensorView::new(Dtype::F32, shape.clone(), data).unwrap()));
    let path = folder.join("full.safetensors");
    serialize_to_file(views, None, &path).unwrap();
    path
}

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
    Run::command(&mut command(&input, &[onnx.clone()], &[])).expect(0);
    Run::of(VERIFY, [input.as_os_str(), onnx.as_os_str(), "--network".as_ref(), "torchvision".as_ref()]).expect(0);

    let again = folder.path().join("again.onnx");
    Run::command(&mut command(&input, &[again.clone()], &["--no-verify"])).expect(0);
    assert!(fs::read(&onnx).unwrap() == fs::read(&again).unwrap(), "a second run writes other bytes");
}

/// Mapped files don't count as data: a limit far below one copy of the weights is enough.
#[cfg(target_os = "linux")]
#[test]
fn weights_are_never_copied_into_memory() {
    let folder = tempfile::tempdir().unwrap();
    let input = checkpoint(folder.path());
    let outputs = ["out.onnx", "out.safetensors"].map(|name| folder.path().join(name));
    let script = "ulimit -d 98304; exec \"$0\" \"$@\" --network torchvision --no-verify";
    let arguments = [CONVERT.as_ref(), input.as_os_str(), outputs[0].as_os_str(), outputs[1].as_os_str()];
    Run::command(Command::new("sh").arg("-c").arg(script).args(arguments)).expect(0);
    for output in outputs {
        assert!(fs::metadata(output).unwrap().len() > 244_000_000);
    }
}

/// Killed at any moment of the writing or of the check, there is no output, or all of them and whole.
#[cfg(unix)]
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

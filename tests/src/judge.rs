//! The independent judge: Python with onnx, ONNX Runtime and PyTorch (`judge.py`).
//!
//! Its interpreter is named by `ALEXNET_PYTHON`, or `python3` where that has the packages. Without one, a test that asks for
//! it prints that it was skipped; with `ALEXNET_REQUIRE_ORT=1` it fails.

use serde::Serialize;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

/// What is to be judged.
#[derive(Serialize)]
#[serde(tag = "judge", rename_all = "snake_case")]
pub enum Job<'a> {
    /// onnx's checker with full check and strict shape inference accepts the graph; and where a golden is given, ONNX
    /// Runtime's answer to its input is the golden's (or its softmax, where the graph ends so) within `tolerance` times the golden's largest value.
    Onnx {
        /// The graph.
        path: &'a Path,
        /// A golden that names its input.
        golden: Option<PathBuf>,
        /// The part of the largest value.
        tolerance: f64,
    },
    /// `safetensors.torch.load_file` reads the file, and finds the tensors of `reference` by these names, bit for bit.
    Safetensors {
        /// The file.
        path: &'a Path,
        /// A state dict that torch.load reads, or a safetensors file; `None`: reading is all.
        reference: Option<PathBuf>,
    },
    /// The int8 weights of the graph are those of `reference`, a safetensors file of canonical names: each channel's step is what
    /// `onnxruntime.quantization` computes, and each integer what onnx's reference evaluator makes of the float.
    Quantised {
        /// The graph.
        path: &'a Path,
        /// The floats.
        reference: PathBuf,
    },
    /// Has `onnxruntime.quantization.quantize_static` make a graph at `output`, calibrated on the array `input` of a golden.
    QuantiseStatic {
        /// The float graph.
        path: &'a Path,
        /// The graph to write.
        output: PathBuf,
        /// The golden that names its input.
        golden: PathBuf,
    },
    /// torchvision's own AlexNet with as many classes takes the tensors with `load_state_dict(strict=True)`.
    Torchvision {
        /// The file.
        path: &'a Path,
    },
    /// `path` is a backend test of ONNX: onnx's own runner, on ONNX Runtime, finds it failing, by as much as `difference` says
    /// (`None`: by its shape); and passing once `mend` has put the graph right.
    Reduced {
        /// The folder.
        path: &'a Path,
        /// The graph before it was made wrong.
        right: PathBuf,
        /// The largest difference.
        difference: Option<f64>,
        /// How far a right graph may be off.
        allowed: f64,
        /// What is wrong with the graph; a name that judge.py knows.
        mend: &'a str,
    },
    /// `safetensors.torch` reads a recorded input, puts ONNX Runtime's logits of `graph` beside it, and writes the file again.
    RecordLogits {
        /// The file, with `input`.
        path: &'a Path,
        /// The graph.
        graph: PathBuf,
    },
    /// ONNX Runtime gives the same outputs as `reference`, to the last bit, for the same inputs: if `same`. If not, it gives
    /// others, or can't run the graph.
    SameFunction {
        /// The graph.
        path: &'a Path,
        /// The graph that it was made from.
        reference: &'a Path,
        /// Which of the two is demanded.
        same: bool,
    },
    /// Saves random weights of the full torchvision network, as PyTorch initialises it, and their golden; `path` is the
    /// checkpoint and `golden` the golden, whose input is beside it.
    MakeTorchvision {
        /// The checkpoint to write.
        path: &'a Path,
        /// The golden to write.
        golden: PathBuf,
    },
}

/// The interpreter, where one has what the judge needs.
fn python() -> Option<&'static str> {
    static PYTHON: OnceLock<Option<String>> = OnceLock::new();
    let find = || {
        let named = std::env::var("ALEXNET_PYTHON").ok();
        let candidate = named.unwrap_or_else(|| "python3".into());
        let imports = "import onnx, onnxruntime, safetensors, torch, torchvision";
        let found = Command::new(&candidate).args(["-c", imports]).stderr(Stdio::null()).status();
        found.is_ok_and(|status| status.success()).then_some(candidate)
    };
    PYTHON.get_or_init(find).as_deref()
}

/// Whether there is a judge. Where there is none, says so, or fails if one was demanded.
#[expect(clippy::print_stderr, reason = "a skipped test says so")]
pub fn present() -> bool {
    let found = python().is_some();
    let demanded = std::env::var("ALEXNET_REQUIRE_ORT").is_ok_and(|value| value == "1");
    assert!(
        found || !demanded,
        "ALEXNET_REQUIRE_ORT=1, but no Python with onnx, onnxruntime, safetensors, torch and torchvision was found; \
         install fixtures/make/requirements.txt and set ALEXNET_PYTHON"
    );
    if !found {
        eprintln!(
            "skipped: no Python with onnxruntime and torch; install fixtures/make/requirements.txt and set ALEXNET_PYTHON"
        );
    }
    found
}

/// Has all `jobs` judged by one process; fails the test with every verdict that isn't good.
pub fn judge(jobs: &[Job]) {
    let python = python().expect("the test asked whether a judge is present");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("judge.py");
    let mut child = Command::new(python)
        .arg(script)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap_or_else(|e| panic!("{python}: {e}"));
    let text = serde_json::to_string(jobs).expect("jobs are plain data");
    child.stdin.take().expect("a pipe").write_all(text.as_bytes()).expect("judge.py reads its jobs");
    let output = child.wait_with_output().expect("judge.py ends");
    let verdicts = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{verdicts}");
    assert_eq!(verdicts.lines().count(), jobs.len(), "a verdict for each job:\n{verdicts}");
}

/// ONNX Runtime's shared library within the judge's Python packages; `None` where there is no judge.
pub fn onnx_runtime() -> Option<PathBuf> {
    if !present() {
        return None;
    }
    let find = "import glob, onnxruntime, os; \
                print(sorted(glob.glob(os.path.join(os.path.dirname(onnxruntime.__file__), 'capi', '*onnxruntime.*')))[0])";
    let output = Command::new(python()?).args(["-c", find]).output().expect("Python runs");
    let path = PathBuf::from(String::from_utf8_lossy(&output.stdout).trim());
    assert!(path.is_file(), "no library in the package onnxruntime: {output:?}");
    Some(path)
}

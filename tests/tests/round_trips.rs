//! What was converted converts again, and stays what it was.

use alexnet_tests::run::Run;
use alexnet_tests::{arrays, fixture};
use std::ffi::OsStr;
use std::path::Path;

const CONVERT: &str = env!("CARGO_BIN_EXE_alexnet-convert-under-test");
const VERIFY: &str = env!("CARGO_BIN_EXE_alexnet-verify-under-test");

fn convert(input: &Path, output: &Path, options: &[&str]) {
    let arguments = [input.as_os_str(), output.as_os_str()].into_iter().chain(options.iter().map(OsStr::new));
    Run::of(CONVERT, arguments).expect(0);
}

/// A checkpoint, and PyTorch's logits for it.
const CHECKPOINTS: [(&str, &str); 3] = [
    ("pytorch/legacy.pth", "goldens/tiny-torchvision.safetensors"),
    ("pytorch/jiecaoyu.pth.tar", "goldens/jiecaoyu.safetensors"),
    ("pytorch/torchvision-features.pth", "goldens/tiny-features.safetensors"),
];

#[test]
fn from_pytorch_to_safetensors_to_onnx_the_answers_stay_pytorchs() {
    let folder = tempfile::tempdir().unwrap();
    for (checkpoint, golden) in CHECKPOINTS {
        let [safetensors, again, onnx] =
            ["first.safetensors", "second.safetensors", "last.onnx"].map(|name| folder.path().join(name));
        convert(&fixture(checkpoint), &safetensors, &["--force"]);
        // The network needs no telling any more: the file says it.
        convert(&safetensors, &again, &["--force"]);
        convert(&again, &onnx, &["--force"]);
        assert!(arrays::read(&safetensors).0 == arrays::read(&again).0, "{checkpoint}");

        let recorded = folder.path().join("recorded.safetensors");
        arrays::write_fixture(&recorded, golden);
        let files = [fixture(checkpoint), onnx];
        let arguments = files.iter().map(|path| path.as_os_str()).chain(["--fixtures".as_ref(), recorded.as_os_str()]);
        Run::of(VERIFY, arguments).expect(0);
    }
}

#[test]
fn torchvisions_names_are_read_back_as_the_canonical_ones() {
    let folder = tempfile::tempdir().unwrap();
    let [canonical, torchvision, back] =
        ["a.safetensors", "b.safetensors", "c.safetensors"].map(|name| folder.path().join(name));
    convert(&fixture("pytorch/zip.pth"), &canonical, &[]);
    convert(&canonical, &torchvision, &["--names", "torchvision"]);
    convert(&torchvision, &back, &[]);
    let (tensors, _) = arrays::read(&torchvision);
    assert!(tensors.contains_key("features.0.weight") && tensors.contains_key("classifier.6.bias"));
    assert!(arrays::read(&canonical).0 == arrays::read(&back).0);
}

#[test]
fn external_data_is_read_through_the_graph() {
    let folder = tempfile::tempdir().unwrap();
    let [onnx, safetensors] = ["net.onnx", "net.safetensors"].map(|name| folder.path().join(name));
    let input = fixture("pytorch/zip.pth");
    Run::of(CONVERT, [input.as_os_str(), onnx.as_os_str(), safetensors.as_os_str(), "--external-data".as_ref()])
        .expect(0);
    Run::of(VERIFY, [&input, &onnx]).expect(0);

    // The graph and its data belong together: without them there is nothing to run.
    std::fs::rename(&safetensors, folder.path().join("elsewhere.safetensors")).unwrap();
    Run::of(VERIFY, [&input, &onnx]).expect(2).says("net.safetensors");
}

#[test]
fn half_precision_is_half_as_large_and_nearly_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let input = fixture("networks/torchvision.safetensors");
    let size = |dtype: &str| {
        let output = folder.path().join(format!("{dtype}.safetensors"));
        convert(&input, &output, &["--dtype", dtype, "--network", "torchvision"]);
        Run::of(VERIFY, [input.as_os_str(), output.as_os_str(), "--network".as_ref(), "torchvision".as_ref()])
            .expect(0);
        std::fs::metadata(output).unwrap().len() as f64
    };
    let whole = std::fs::metadata(&input).unwrap().len() as f64;
    assert!((size("f16") / whole - 0.5).abs() < 0.01);
    assert!((size("bf16") / whole - 0.5).abs() < 0.01);
}

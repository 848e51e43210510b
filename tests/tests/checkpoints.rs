//! Every checkpoint of the manifest through `alexnet-convert`.

use alexnet_tests::judge::{Job, judge, present};
use alexnet_tests::manifest::{Case, Expect, Fixture, manifest};
use alexnet_tests::run::{Run, files};
use alexnet_tests::{arrays, fixture};
use std::path::{Path, PathBuf};

const CONVERT: &str = env!("CARGO_BIN_EXE_alexnet-convert-under-test");
const VERIFY: &str = env!("CARGO_BIN_EXE_alexnet-verify-under-test");

/// Converts a fixture to `NAME.onnx` and `NAME.safetensors` in `folder`.
fn convert(fixture: &Fixture, case: &Case, folder: &Path, name: &str, more: &[&str]) -> (Run, [PathBuf; 2]) {
    let outputs = ["onnx", "safetensors"].map(|extension| folder.join(format!("{name}.{extension}")));
    let mut arguments = vec![alexnet_tests::fixture(case.input.as_ref().unwrap_or(&fixture.path))];
    arguments.extend(outputs.iter().cloned());
    arguments.extend(case.arguments());
    arguments.extend(more.iter().map(PathBuf::from));
    (Run::of(CONVERT, arguments), outputs)
}

/// A readable name for each case.
fn name(fixture: &Fixture, case: &Case) -> String {
    let options = case.options.concat().replace("--", "-");
    format!("{}-{}{options}", fixture.path, case.input.as_deref().unwrap_or_default()).replace(['/', '.'], "-")
}

#[test]
fn every_checkpoint_becomes_the_network_that_pytorch_runs() {
    let folder = tempfile::tempdir().unwrap();
    let manifest = manifest();
    let mut written = Vec::new();
    for (fixture, case) in manifest.cases(Expect::Ok) {
        let name = name(fixture, case);
        let (run, outputs) = convert(fixture, case, folder.path(), &name, &[]);
        run.expect(0);
        let golden = case.golden.as_deref().unwrap_or_else(|| panic!("{} has no golden", fixture.path));
        let recorded = folder.path().join("recorded.safetensors");
        arrays::write_fixture(&recorded, golden);
        let [onnx, safetensors] = &outputs;
        let arguments = [safetensors.as_os_str(), onnx.as_os_str(), "--fixtures".as_ref(), recorded.as_os_str()];
        Run::of(VERIFY, arguments).expect(0);
        let (_, metadata) = arrays::read(&outputs[1]);
        let network = alexnet_spec::Network::from_json(&metadata["alexnet.network"]).unwrap();
        assert_eq!(Some(&network.name), case.network.as_ref(), "{name}");
        written.push((outputs, alexnet_tests::fixture(golden)));
    }
    assert!(written.len() > 40, "the manifest has {} checkpoints", written.len());
    if present() {
        let jobs: Vec<Job> = written
            .iter()
            .flat_map(|([onnx, safetensors], golden)| {
                let onnx = Job::Onnx { path: onnx, golden: Some(golden.clone()), tolerance: 1e-4 };
                [onnx, Job::Safetensors { path: safetensors, reference: None }]
            })
            .collect();
        judge(&jobs);
    }
}

#[test]
fn what_is_no_alexnet_is_refused_and_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let manifest = manifest();
    let mut seen = 0;
    for expect in [Expect::Refused, Expect::Ambiguous] {
        for (fixture, case) in manifest.cases(expect) {
            let (run, _) = convert(fixture, case, folder.path(), "out", &[]);
            run.expect(2).says(case.says.as_deref().expect("a part of the message"));
            assert_eq!(files(folder.path()), [""; 0], "{}", fixture.path);
            seen += 1;
        }
    }
    assert!(seen > 12, "{seen}");
}

/// The layouts hold one network: the same tensors come out, byte for byte.
#[test]
fn the_layout_of_a_checkpoint_leaves_no_trace_in_the_weights() {
    let folder = tempfile::tempdir().unwrap();
    let layouts = [
        "zip.pth",
        "zip64.pth",
        "zip-deflate.pth",
        "zip-1.4.pth",
        "zip-big-endian.pth",
        "legacy.pth",
        "legacy-python2.pth",
        "legacy-views.pth",
        "tar.pth",
        "tar-views.pth",
        "strided.pth",
        "shared-storage.pth",
        "shared-storage-legacy.pth",
        "parameters.pth",
        "attributes.pth",
        "module.pth",
        "module-legacy.pth",
        "torchscript-trace.pt",
        "torchscript-script.pt",
        "numpy.pkl",
        "numpy-protocol2.pkl",
        "numpy-protocol5.pkl",
        "dataparallel.pth",
        "compiled.pth",
        "cadene.pth",
        "lightning.ckpt",
        "nested.pth",
    ];
    let converted = layouts.map(|layout| {
        let output = folder.path().join(format!("{layout}.safetensors"));
        let input = fixture(&format!("pytorch/{layout}"));
        Run::of(CONVERT, [input.as_os_str(), output.as_os_str(), "--no-verify".as_ref()]).expect(0);
        arrays::read(&output).0
    });
    for (layout, tensors) in layouts.iter().zip(&converted) {
        assert_eq!(tensors.len(), 16, "{layout}");
        assert!(*tensors == converted[0], "{layout} differs from {}", layouts[0]);
    }
}

#[test]
fn torchvision_names_are_accepted_by_torchvisions_own_module() {
    if !present() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let output = folder.path().join("out.safetensors");
    let input = fixture("pytorch/legacy-python2.pth");
    let arguments = [input.as_os_str(), output.as_os_str(), "--names".as_ref(), "torchvision".as_ref()];
    Run::of(CONVERT, arguments).expect(0);
    let reference = Some(fixture("pytorch/zip.pth"));
    judge(&[Job::Safetensors { path: &output, reference }]);
}

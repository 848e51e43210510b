//! `alexnet-verify` passes what is right and refuses what is wrong.

use alexnet_tests::judge::onnx_runtime;
use alexnet_tests::run::Run;
use alexnet_tests::{arrays, fixture};
use std::ffi::OsString;
use std::path::Path;
use std::process::Command;

const CONVERT: &str = env!("CARGO_BIN_EXE_alexnet-convert-under-test");
const VERIFY: &str = env!("CARGO_BIN_EXE_alexnet-verify-under-test");

fn verify(a: &Path, b: &Path, options: &[&str]) -> Run {
    let files = [a, b].map(|path| path.as_os_str().to_owned());
    Run::of(VERIFY, files.into_iter().chain(options.iter().map(OsString::from)))
}

/// A graph of fixtures/mutants/ against the checkpoint that it was made from.
fn mutant(name: &str, options: &[&str]) -> Run {
    verify(&fixture("pytorch/jiecaoyu.pth.tar"), &fixture(&format!("mutants/{name}.onnx")), options)
}

/// The mutants, and the first layer that differs.
const MUTANTS: [(&str, &str); 6] = [
    ("one-weight", "conv3"),
    ("one-tensor", "conv4"),
    ("alpha-not-divided", "norm1"),
    ("k-of-2", "norm1"),
    ("pool-before-norm", "norm1"),
    ("reversed-channels", "conv1"),
];

#[test]
fn a_graph_that_another_program_wrote_agrees() {
    mutant("right", &[]).expect(0);
    mutant("right", &["--layers"]).expect(0);
}

#[test]
fn a_graph_with_one_mistake_does_not_agree() {
    for (name, _) in MUTANTS {
        mutant(name, &["--runtime", "candle-onnx"]).expect(1);
    }
}

#[test]
fn the_first_layer_that_differs_is_named() {
    for (name, layer) in MUTANTS {
        let run = mutant(name, &["--layers", "--runtime", "candle-onnx"]).expect(1);
        assert!(run.stdout.contains(&format!("{layer} parts first")), "{layer} isn't named:\n{run}");
    }
}

#[test]
fn the_mistake_is_named() {
    let mistakes = [
        ("one-weight", "conv3.weight[1, 2, 0, 1] alone looks changed"),
        ("one-tensor", "conv4.weight looks multiplied by 1.01"),
        ("alpha-not-divided", "alpha looks undivided: ratio 5.0"),
        ("k-of-2", "k looks like 2.0, not 1.0"),
        ("pool-before-norm", "pool1 looks run before norm1"),
        ("reversed-channels", "BGR for RGB, or RGB for BGR"),
    ];
    for (name, sentence) in mistakes {
        let run = mutant(name, &["--layers", "--runtime", "candle-onnx"]).expect(1);
        assert!(run.stdout.contains(sentence), "`{sentence}` isn't said:\n{run}");
    }
}

#[test]
fn a_file_is_not_compared_with_itself() {
    let graph = fixture("mutants/right.onnx");
    verify(&graph, &graph, &[]).expect(2).says("same file");
}

#[test]
fn recorded_logits_of_another_program_are_compared() {
    let folder = tempfile::tempdir().unwrap();
    let recorded = folder.path().join("recorded.safetensors");
    arrays::write_fixture(&recorded, "goldens/tiny-torchvision.safetensors");
    let (a, b) = (fixture("pytorch/zip.pth"), fixture("pytorch/legacy.pth"));
    let options = ["--fixtures", recorded.to_str().unwrap()];
    verify(&a, &b, &options).expect(0);

    // Both sides agree with each other, and both are wrong.
    let (mut wrong, _) = arrays::read(&recorded);
    wrong.get_mut("logits").unwrap().values[3] += 0.5;
    arrays::write(&recorded, wrong.iter().map(|(name, array)| (name.as_str(), array)));
    verify(&a, &b, &options).expect(1);
}

#[test]
fn photographs_are_inputs_too() {
    let photos = fixture("photos");
    let checkpoint = fixture("pytorch/zip.pth");
    verify(&checkpoint, &fixture("pytorch/legacy.pth"), &["--fixtures", photos.to_str().unwrap()]).expect(0);
}

#[test]
fn comparing_nothing_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let (a, b) = (fixture("pytorch/zip.pth"), fixture("pytorch/legacy.pth"));
    verify(&a, &b, &["--fixtures", folder.path().to_str().unwrap()]).expect(2).says("fixtures");
}

#[test]
fn what_cannot_be_read_is_no_disagreement() {
    let folder = tempfile::tempdir().unwrap();
    let checkpoint = fixture("pytorch/zip.pth");
    let text = folder.path().join("text.onnx");
    std::fs::write(&text, "no graph at all").unwrap();
    verify(&checkpoint, &text, &[]).expect(2).says("text.onnx");
    verify(&checkpoint, &folder.path().join("missing.onnx"), &[]).expect(2).says("missing.onnx");
    verify(&fixture("pytorch/resnet.pth"), &checkpoint, &[]).expect(2);
}

#[test]
fn other_weights_do_not_agree() {
    verify(&fixture("pytorch/zip.pth"), &fixture("pytorch/f16.pth"), &["--rtol", "1e-9", "--atol", "1e-9"]).expect(1);
    verify(&fixture("pytorch/zip.pth"), &fixture("pytorch/jiecaoyu.pth.tar"), &[]).expect(2);
}

#[test]
fn onnx_runtime_sees_the_mistakes_too() {
    let Some(library) = onnx_runtime() else { return };
    let mutant = |name: &str| {
        let mut command = Command::new(VERIFY);
        command.env("ORT_DYLIB_PATH", &library).arg(fixture("pytorch/jiecaoyu.pth.tar"));
        Run::command(command.arg(fixture(&format!("mutants/{name}.onnx"))).args(["--runtime", "ort", "--layers"]))
    };
    mutant("right").expect(0);
    for (name, layer) in MUTANTS {
        let run = mutant(name).expect(1);
        assert!(run.stdout.contains(&format!("{layer} parts first")), "{layer} isn't named:\n{run}");
    }
}

#[test]
fn a_runtime_that_was_asked_for_and_is_missing_is_an_error() {
    let mut command = Command::new(VERIFY);
    command.env("ORT_DYLIB_PATH", "/nonexistent").arg(fixture("pytorch/jiecaoyu.pth.tar"));
    Run::command(command.arg(fixture("mutants/right.onnx")).args(["--runtime", "ort"]))
        .expect(2)
        .says("ORT_DYLIB_PATH");
}

/// The judge's library is the one for CPUs.
#[test]
fn a_device_that_is_not_there_is_no_reason_to_run_on_another() {
    let Some(library) = onnx_runtime() else { return };
    for (runtime, said) in [("ort@cuda", "doesn't run on CUDA here"), ("ort@npu", "cpu, cuda or cuda:N")] {
        let mut command = Command::new(VERIFY);
        command.env("ORT_DYLIB_PATH", &library).arg(fixture("pytorch/jiecaoyu.pth.tar"));
        Run::command(command.arg(fixture("mutants/right.onnx")).args(["--runtime", runtime])).expect(2).says(said);
    }
}

#[test]
fn a_wider_tolerance_accepts_other_logits_but_no_other_parameters() {
    mutant("k-of-2", &["--rtol", "5", "--runtime", "candle-onnx"]).expect(0);
    mutant("one-weight", &["--rtol", "5", "--runtime", "candle-onnx"]).expect(1);
}

#[test]
fn results_are_json_for_programs() {
    let folder = tempfile::tempdir().unwrap();
    let output = folder.path().join("out.onnx");
    let input = fixture("pytorch/zip.pth");
    let run = Run::of(CONVERT, [input.as_os_str(), output.as_os_str(), "--json".as_ref()]).expect(0);
    let _: serde_json::Value = serde_json::from_str(&run.stdout).unwrap_or_else(|e| panic!("{e}:\n{run}"));
    let run = verify(&input, &output, &["--json"]).expect(0);
    let _: serde_json::Value = serde_json::from_str(&run.stdout).unwrap_or_else(|e| panic!("{e}:\n{run}"));
}

#[test]
fn two_graphs_that_say_nothing_of_themselves_take_the_users_word_for_their_layers() {
    let graphs = ["mutants/right.onnx", "mutants/alpha-not-divided.onnx"].map(fixture);
    let run = verify(&graphs[0], &graphs[1], &["--network", "bvlc", "--runtime", "candle-onnx"]).expect(1);
    assert!(run.stdout.contains("norm1 parts first"), "{run}");
}

#[test]
fn a_graph_that_normalises_its_pixels_otherwise_does_not_agree() {
    let folder = tempfile::tempdir().unwrap();
    let (weights, other) = (folder.path().join("weights.safetensors"), folder.path().join("other.onnx"));
    let graph = fixture("onnx/normalised.onnx");
    Run::of(CONVERT, [&graph, &weights]).expect(0);
    verify(&weights, &graph, &["--runtime", "candle-onnx"]).expect(0);

    let (red, green) = (0.485f32.to_le_bytes(), 0.456f32.to_le_bytes());
    let mut bytes = std::fs::read(&graph).unwrap();
    let at = bytes.windows(8).position(|window| window == [red, green].concat()).expect("the means of red and green");
    bytes[at..at + 4].copy_from_slice(&0.9f32.to_le_bytes());
    std::fs::write(&other, bytes).unwrap();
    let run = verify(&weights, &other, &["--runtime", "candle-onnx"]).expect(1);
    assert!(run.stdout.contains("conv1 parts first"), "{run}");
}

#[test]
fn recorded_layers_are_compared_without_being_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let recorded = folder.path().join("recorded.safetensors");
    arrays::write_fixture(&recorded, "goldens/tiny-torchvision.safetensors");
    let (a, b) = (fixture("pytorch/zip.pth"), fixture("pytorch/legacy.pth"));
    let options = ["--fixtures", recorded.to_str().unwrap()];
    let (mut arrays, _) = arrays::read(&recorded);
    let logits = arrays["logits"].clone();
    arrays.insert("fc8".into(), logits.clone());
    arrays::write(&recorded, arrays.iter().map(|(name, array)| (name.as_str(), array)));
    verify(&a, &b, &options).expect(0);

    let wrong = arrays::Array { values: logits.values.iter().map(|value| value + 1.0).collect(), ..logits };
    arrays.insert("fc8".into(), wrong);
    arrays::write(&recorded, arrays.iter().map(|(name, array)| (name.as_str(), array)));
    let run = verify(&a, &b, &options).expect(1);
    assert!(run.stdout.contains("fc8 parts first"), "{run}");
}

#[test]
fn graphs_of_the_same_bytes_with_other_external_weights_are_two() {
    let folder = tempfile::tempdir().unwrap();
    let places = ["a", "b"].map(|name| folder.path().join(name));
    for (place, key) in places.iter().zip(["state_dict", "state_dict_ema"]) {
        std::fs::create_dir(place).unwrap();
        let (data, graph) = (place.join("w.safetensors"), place.join("g.onnx"));
        let options = ["--key", key, "--external-data", "--no-verify"].map(OsString::from);
        let files = [fixture("pytorch/timm.pth.tar"), data, graph].map(OsString::from);
        Run::of(CONVERT, files.into_iter().chain(options)).expect(0);
    }
    let graphs = places.each_ref().map(|place| place.join("g.onnx"));
    std::fs::copy(&graphs[0], &graphs[1]).unwrap();
    verify(&graphs[0], &graphs[1], &["--runtime", "candle-onnx"]).expect(1);
    let weights = places.each_ref().map(|place| place.join("w.safetensors"));
    std::fs::copy(&weights[0], &weights[1]).unwrap();
    verify(&graphs[0], &graphs[1], &[]).expect(2).says("byte for byte");
}

#[test]
fn a_convolution_whose_bias_comes_after_it_is_that_layer() {
    let folder = tempfile::tempdir().unwrap();
    let weights = folder.path().join("weights.safetensors");
    let graph = fixture("onnx/small-operators.onnx");
    Run::of(CONVERT, [&graph, &weights]).expect(0);
    verify(&weights, &graph, &["--layers", "--runtime", "candle-onnx"]).expect(0);
}

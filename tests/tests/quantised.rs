//! Graphs in few bits: what other programs make of them, and that a wrong one is found.

use alexnet_onnx::proto::{ModelProto, NodeProto, TensorProto};
use alexnet_spec::networks;
use alexnet_tests::judge::{Job, judge, present};
use alexnet_tests::run::Run;
use alexnet_tests::{arrays, fixture};
use prost::Message;
use std::path::{Path, PathBuf};

const CONVERT: &str = env!("CARGO_BIN_EXE_alexnet-convert-under-test");
const VERIFY: &str = env!("CARGO_BIN_EXE_alexnet-verify-under-test");

/// The parts of the largest logit that int8 costs networks of a sixteenth of the width: of weights alone, and of all values.
const WEIGHTS: f64 = 2e-1;
const STATIC: f64 = 3e-1;

#[track_caller]
fn prints(run: &Run, words: &str) {
    assert!(run.stdout.contains(words), "no `{words}` in:\n{run}");
}

fn network(name: &str) -> PathBuf {
    fixture(&format!("networks/{name}.safetensors"))
}

/// A graph of int8 weights, and one whose activations are calibrated on the golden's own input.
fn quantised(folder: &Path, name: &str, calibrated: bool) -> PathBuf {
    let output = folder.join(format!("{name}-{}.onnx", if calibrated { "static" } else { "weights" }));
    let mut arguments = vec![network(name), output.clone()];
    arguments.extend(["--network", name, "--quantize", "int8", "--no-verify"].map(PathBuf::from));
    if calibrated {
        arguments.extend(["--calibrate".into(), examples(folder, name)]);
    }
    Run::of(CONVERT, arguments).expect(0);
    output
}

/// The inputs that a network's golden was made from.
fn examples(folder: &Path, name: &str) -> PathBuf {
    let path = folder.join(format!("{name}.safetensors"));
    let (_, metadata) = arrays::read(&fixture(&format!("goldens/{name}.safetensors")));
    let (inputs, _) = arrays::read(&fixture(&metadata["input"]));
    arrays::write(&path, [("input", &inputs["input"])]);
    path
}

#[test]
fn onnx_runtime_runs_every_network_in_int8_and_gives_nearly_pytorchs_logits() {
    let folder = tempfile::tempdir().unwrap();
    let mut graphs = Vec::new();
    for entry in networks::ALL {
        let golden = fixture(&format!("goldens/{}.safetensors", entry.name));
        for (calibrated, tolerance) in [(false, WEIGHTS), (true, STATIC)] {
            graphs.push((
                quantised(folder.path(), entry.name, calibrated),
                golden.clone(),
                network(entry.name),
                tolerance,
            ));
        }
    }
    if !present() {
        return;
    }
    let runs = graphs.iter().map(|(path, golden, _, tolerance)| Job::Onnx {
        path,
        golden: Some(golden.clone()),
        tolerance: *tolerance,
    });
    let values = graphs.iter().map(|(path, _, reference, _)| Job::Quantised { path, reference: reference.clone() });
    judge(&runs.chain(values).collect::<Vec<_>>());
}

#[test]
fn what_is_written_is_checked_and_a_quarter_of_the_size() {
    let folder = tempfile::tempdir().unwrap();
    let input = network("bvlc");
    let calibration = examples(folder.path(), "bvlc");
    for (name, options) in [("weights", vec![]), ("static", vec!["--calibrate".into(), calibration])] {
        let output = folder.path().join(format!("{name}.onnx"));
        let mut arguments = vec![input.clone(), output.clone()];
        arguments.extend(["--quantize", "int8", "--network", "bvlc"].map(PathBuf::from));
        Run::of(CONVERT, arguments.into_iter().chain(options)).expect(0);
        let [whole, small] = [&input, &output].map(|path| path.metadata().unwrap().len() as f64);
        assert!((0.25..0.28).contains(&(small / whole)), "{name}: {small} of {whole} bytes");
        let compared = Run::of(VERIFY, [input.as_os_str(), output.as_os_str(), "--network".as_ref(), "bvlc".as_ref()]);
        prints(&compared.expect(0), "what B costs");
    }
}

#[test]
fn int8_weights_become_floats_again_and_rounded_activations_do_not() {
    let folder = tempfile::tempdir().unwrap();
    let [weights, rounded] = [false, true].map(|calibrated| quantised(folder.path(), "caffenet", calibrated));
    let back = folder.path().join("back.safetensors");
    Run::of(CONVERT, [&weights, &back]).expect(0);
    // Against the graph itself the floats are exact, whatever they were before.
    prints(&Run::of(VERIFY, [&weights, &back]).expect(0), "16 compared, all equal");
    Run::of(CONVERT, [&rounded, &folder.path().join("none.safetensors")])
        .expect(2)
        .says("rounds activations to integers");
}

#[test]
fn what_int8_cannot_be_is_refused_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let input = network("bvlc");
    let refused = |name: &str, options: &[&str]| {
        let output = folder.path().join(name);
        let options = options.iter().map(PathBuf::from);
        let arguments = [input.clone(), output.clone()].into_iter().chain(options);
        let run = Run::of(CONVERT, arguments);
        assert!(!output.exists());
        run
    };
    let safetensors = refused("out.safetensors", &["--network", "bvlc", "--quantize", "int8"]);
    safetensors.expect(2).says("--quantize is for ONNX");
    refused("out.onnx", &["--network", "bvlc", "--quantize", "int8", "--opset", "12"]).expect(2).says("--opset 13");
    refused("out.onnx", &["--network", "bvlc", "--quantize", "int8", "--dtype", "f16"]).expect(2);
    refused("out.onnx", &["--network", "bvlc", "--calibrate", "."]).expect(2).says("--quantize");
    let empty = folder.path().join("empty");
    std::fs::create_dir(&empty).unwrap();
    let nothing = ["--network", "bvlc", "--quantize", "int8", "--calibrate", empty.to_str().unwrap()];
    refused("out.onnx", &nothing).expect(2).says("no fixtures");
}

/// A graph that another program quantised agrees with the float graph that it was made from.
#[test]
fn onnx_runtimes_own_quantisation_agrees() {
    if !present() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    for name in ["bvlc", "torchvision"] {
        let [float, rounded] = ["float", "rounded"].map(|form| folder.path().join(format!("{name}-{form}.onnx")));
        let [input, network] = [network(name), PathBuf::from("--network")];
        Run::of(CONVERT, [&input, &float, &network, &name.into()]).expect(0);
        let golden = fixture(&format!("goldens/{name}.safetensors"));
        judge(&[Job::QuantiseStatic { path: &float, output: rounded.clone(), golden }]);
        let fixtures = [PathBuf::from("--fixtures"), examples(folder.path(), name)];
        prints(&Run::of(VERIFY, [&float, &rounded].into_iter().chain(&fixtures)).expect(0), "16 compared");
    }
}

/// What is done to a graph that is right.
type Mistake = fn(&mut ModelProto);

fn initializer<'m>(model: &'m mut ModelProto, name: &str) -> &'m mut TensorProto {
    let graph = model.graph.as_mut().unwrap();
    graph.initializer.iter_mut().find(|tensor| tensor.name() == name).unwrap_or_else(|| panic!("no `{name}`"))
}

fn node<'m>(model: &'m mut ModelProto, name: &str) -> &'m mut NodeProto {
    model.graph.as_mut().unwrap().node.iter_mut().find(|node| node.name() == name).unwrap()
}

/// Multiplies number `at` of a constant of f32.
fn scale(model: &mut ModelProto, name: &str, at: usize, factor: f32) {
    edit(initializer(model, name), |bytes| {
        let word = &mut bytes.as_chunks_mut::<4>().0[at];
        *word = (f32::from_le_bytes(*word) * factor).to_le_bytes();
    });
}

fn edit(tensor: &mut TensorProto, change: impl FnOnce(&mut [u8])) {
    let mut bytes = tensor.raw_data.take().unwrap().to_vec();
    change(&mut bytes);
    tensor.raw_data = Some(bytes.into());
}

/// Gives the second node of a pair a constant of its own.
fn own(model: &mut ModelProto, name: &str, input: usize, change: fn(&mut [u8])) {
    let shared = node(model, name).input[input].clone();
    let mut tensor = initializer(model, &shared).clone();
    tensor.name = Some(format!("{shared}/own"));
    edit(&mut tensor, change);
    node(model, name).input[input] = tensor.name().to_owned();
    model.graph.as_mut().unwrap().initializer.push(tensor);
}

const MISTAKES: &[(&str, bool, Mistake, &str)] = &[
    ("a step is twice as large", false, |m| scale(m, "conv2/weight.scale", 3, 2.0), "conv2.weight"),
    ("a step is a twentieth off", false, |m| scale(m, "fc8/weight.scale", 0, 1.05), "fc8.weight"),
    ("a zero point is one off", false, |m| edit(initializer(m, "fc6/weight.zero_point"), |b| b[7] = 1), "fc6.weight"),
    (
        "an integer is one off",
        false,
        |m| edit(initializer(m, "fc7.weight"), |b| b[0] = b[0].wrapping_add(1)),
        "fc7.weight",
    ),
    ("steps are along the inputs", false, |m| node(m, "fc7/weight").attribute[0].i = Some(1), "fc7.weight"),
    ("a step of a bias is twice as large", true, |m| scale(m, "conv1/bias.scale", 2, 2.0), "conv1.bias"),
    ("a step of a weight is twice as large", true, |m| scale(m, "conv5/weight.scale", 1, 2.0), "conv5.weight"),
    ("a zero point comes back one off", true, |m| own(m, "relu3/rounded", 2, |b| b[0] += 1), "relu3/rounded"),
    ("a step comes back larger", true, |m| own(m, "pool2/rounded", 1, |b| b[2] ^= 1), "pool2/rounded"),
    ("half of a range is cut off", true, |m| scale(m, "relu6/scale", 0, 0.5), "fc7"),
    ("the input's range is cut off", true, |m| scale(m, "input/scale", 0, 0.5), "conv1"),
];

#[test]
fn a_wrong_quantisation_is_found_and_named() {
    let folder = tempfile::tempdir().unwrap();
    let right = [false, true].map(|calibrated| quantised(folder.path(), "torchvision", calibrated));
    let input = network("torchvision");
    let fixtures = examples(folder.path(), "torchvision");
    let verify = |graph: &Path| {
        let options = ["--network", "torchvision", "--runtime", "candle-onnx", "--fixtures"].map(PathBuf::from);
        Run::of(VERIFY, [&input, &graph.to_owned()].into_iter().chain(&options).chain([&fixtures]))
    };
    for graph in &right {
        verify(graph).expect(0);
    }
    for (what, calibrated, mistake, named) in MISTAKES {
        let bytes = std::fs::read(&right[usize::from(*calibrated)]).unwrap();
        let mut model = ModelProto::decode(bytes.as_slice()).unwrap();
        mistake(&mut model);
        let wrong = folder.path().join("wrong.onnx");
        std::fs::write(&wrong, model.encode_to_vec()).unwrap();
        let run = verify(&wrong);
        assert_eq!(run.code, Some(1), "{what}: {run}");
        assert!(run.stdout.contains(named), "{what}: {named} isn't named: {run}");
    }
}

#[test]
fn a_range_that_is_too_narrow_does_not_pass_by_leaving_out_what_shows_it() {
    let folder = tempfile::tempdir().unwrap();
    let (input, graph) = (network("torchvision"), folder.path().join("graph.onnx"));
    let options = ["--network", "torchvision", "--quantize", "int8", "--no-verify", "--calibrate"].map(PathBuf::from);
    let files = [input.clone(), graph.clone()];
    Run::of(CONVERT, files.iter().chain(&options).chain([&fixture("photos")])).expect(0);
    let options = ["--network", "torchvision", "--runtime", "candle-onnx"].map(PathBuf::from);
    let verify = || Run::of(VERIFY, [&input, &graph].into_iter().chain(&options));
    verify().expect(0);

    let mut model = ModelProto::decode(std::fs::read(&graph).unwrap().as_slice()).unwrap();
    scale(&mut model, "input/scale", 0, 0.8);
    std::fs::write(&graph, model.encode_to_vec()).unwrap();
    verify().expect(2).says("too many to tell a narrow range from a wrong one");
}

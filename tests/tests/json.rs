//! What programs read: the JSON of both programs is what `docs/schema` promises, with nothing besides.
//!
//! A key that is added is added there. A key that goes or changes its meaning takes a new version.

use alexnet_tests::run::Run;
use alexnet_tests::schema::{all, validate};
use alexnet_tests::{arrays, fixture};
use serde_json::Value;
use std::ffi::OsStr;
use std::path::Path;

const CONVERT: &str = env!("CARGO_BIN_EXE_alexnet-convert-under-test");
const VERIFY: &str = env!("CARGO_BIN_EXE_alexnet-verify-under-test");

/// What a run printed, which is what its schema says.
#[track_caller]
fn json(run: &Run) -> Value {
    let value = serde_json::from_str(&run.stdout).unwrap_or_else(|error| panic!("{error}:\n{run}"));
    validate(&value);
    value
}

fn verify(files: &[&Path], options: &[&str]) -> Run {
    let files = files.iter().map(|path| path.as_os_str());
    Run::of(VERIFY, files.chain(options.iter().map(OsStr::new)).chain([OsStr::new("--json")]))
}

/// The tiny grouped network as Caffe's user has it, and a graph of `fixtures/mutants`.
fn mutant(name: &str, options: &[&str]) -> Run {
    let (checkpoint, graph) = (fixture("pytorch/jiecaoyu.pth.tar"), fixture(&format!("mutants/{name}.onnx")));
    verify(&[&checkpoint, &graph], &[&["--runtime", "candle-onnx"], options].concat())
}

#[test]
fn a_conversion_reports_input_network_outputs_and_checks() {
    let folder = tempfile::tempdir().unwrap();
    let output = folder.path().join("out.onnx");
    let input = fixture("pytorch/jiecaoyu.pth.tar");
    let run = Run::of(CONVERT, [input.as_os_str(), output.as_os_str(), "--json".as_ref()]).expect(0);
    let report = json(&run);
    assert_eq!(report["schema"], "alexnet-convert/1");
    assert_eq!(report["outputs"][0]["bytes"], std::fs::metadata(&output).unwrap().len());
    assert_eq!(report["network"]["name"], "bvlc");
    assert_eq!(report["verification"][0]["schema"], "alexnet-verify/2");
    assert!(!report["import"]["guessed"].as_array().unwrap().is_empty());
}

#[test]
fn an_agreement_is_reported_as_documented() {
    let report = json(&mutant("right", &["--layers"]).expect(0));
    assert_eq!((&report["agreed"], &report["first_difference"]), (&true.into(), &Value::Null));
    assert!(report["layers"].as_array().unwrap().len() > 10);
    assert!(report["consistency"][0]["metrics"]["passing_rtol"].as_f64().unwrap() < 2e-5);
}

#[test]
fn a_verification_that_fails_names_the_layer() {
    let report = json(&mutant("alpha-not-divided", &[]).expect(1));
    assert_eq!(report["agreed"], false);
    assert_eq!(report["first_difference"]["layer"], "norm1");
    let metrics = &report["consistency"][0]["metrics"];
    assert!(metrics["first_outside"]["index"].is_array(), "{metrics}");
    assert!(report["diagnosis"].is_object());
}

#[test]
fn recorded_outputs_and_one_file_are_reported_as_documented() {
    let golden = fixture("goldens/jiecaoyu.safetensors");
    let report = json(&mutant("right", &["--fixtures", golden.to_str().unwrap()]).expect(0));
    assert!(!report["truth"].as_array().unwrap().is_empty());
    let graph = fixture("mutants/right.onnx");
    let options = ["--network", "bvlc", "--runtime", "candle-onnx,candle"];
    let report = json(&verify(&[&graph], &options).expect(0));
    assert_eq!((&report["b"], &report["parameters"]), (&Value::Null, &Value::Null));
}

#[test]
fn what_coarser_numbers_cost_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let output = folder.path().join("small.onnx");
    let input = fixture("networks/bvlc.safetensors");
    let options = ["--network", "bvlc", "--quantize", "int8", "--no-verify"].map(OsStr::new);
    Run::of(CONVERT, [input.as_os_str(), output.as_os_str()].into_iter().chain(options)).expect(0);
    let report = json(&verify(&[&input, &output], &["--network", "bvlc", "--runtime", "candle-onnx"]).expect(0));
    let cost = &report["cost"];
    assert_eq!(cost["precision"], "int8-weights");
    assert_eq!(cost["bytes"], output.metadata().unwrap().len());
    // 227,314 parameters.
    assert_eq!(cost["f32_bytes"], 909_256);
    assert_eq!(cost["runtimes"][0]["milliseconds"].as_array().expect("both were timed").len(), 2);
}

/// Coarser numbers, a folder of images, and a test of the difference: each adds a part of its own.
#[test]
fn costs_images_and_reductions_are_reported_as_documented() {
    let folder = tempfile::tempdir().unwrap();
    let (half, test) = (folder.path().join("half.onnx"), folder.path().join("test"));
    let checkpoint = fixture("pytorch/jiecaoyu.pth.tar");
    let options = ["--dtype", "f16", "--no-verify"].map(OsStr::new);
    Run::of(CONVERT, [checkpoint.as_os_str(), half.as_os_str()].into_iter().chain(options)).expect(0);
    let photos = fixture("photos");
    let report =
        json(&verify(&[&checkpoint, &half], &["--runtime", "candle-onnx", "--images", photos.to_str().unwrap()]));
    assert_eq!(report["cost"]["precision"], "f16");
    assert!(report["images"]["compared"].as_u64().unwrap() > 0);
    let report = json(&mutant("alpha-not-divided", &["--reduce", test.to_str().unwrap()]).expect(1));
    assert_eq!(report["reduced"]["layer"], "norm1");
}

/// Means and cosines are of finite values; what isn't finite is null, and the layers say so too.
#[test]
fn what_is_not_a_number_is_reported_as_documented() {
    let folder = tempfile::tempdir().unwrap();
    let recorded = folder.path().join("recorded.safetensors");
    arrays::write_fixture(&recorded, "goldens/tiny-torchvision.safetensors");
    let (mut wrong, _) = arrays::read(&recorded);
    wrong.get_mut("logits").unwrap().values[3] = f32::NAN;
    arrays::write(&recorded, wrong.iter().map(|(name, array)| (name.as_str(), array)));
    let (a, b) = (fixture("pytorch/zip.pth"), fixture("pytorch/legacy.pth"));
    let run = verify(&[&a, &b], &["--fixtures", recorded.to_str().unwrap()]);
    match run.code {
        Some(1) => {
            let report = json(&run);
            let metrics = &report["truth"][0]["metrics"];
            assert_eq!((&metrics["max_abs"], &metrics["passing_rtol"]), (&Value::Null, &Value::Null));
        }
        // Refused where it is read.
        _ => drop(run.expect(2).says("NaN")),
    }
}

#[test]
fn tolerances_are_listed_as_documented() {
    let report = json(&Run::of(VERIFY, ["--list-tolerances", "--json"]).expect(0));
    assert!(report["tolerances"].as_array().unwrap().len() > 5);
}

#[test]
fn an_inspection_reports_groups_and_readings() {
    for file in ["pytorch/timm.pth.tar", "pytorch/zip.pth", "pytorch/resnet.pth", "mutants/right.onnx"] {
        let report = json(&Run::of(CONVERT, [fixture(file).as_os_str(), "--inspect".as_ref(), "--json".as_ref()]));
        assert_eq!(report["schema"], "alexnet-inspect/1");
    }
}

/// A schema that let anything through would guard nothing.
#[test]
fn every_key_is_described_and_no_other_is_allowed() {
    fn walk(place: &str, schema: &Value) {
        if let Some(properties) = schema.get("properties").and_then(Value::as_object) {
            assert_eq!(schema["additionalProperties"], false, "{place} lets other keys through");
            let required: Vec<&str> = schema["required"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
            for (name, property) in properties {
                let described = property["description"].as_str().is_some_and(|text| !text.is_empty());
                assert!(described, "{place}.{name} is not described");
                assert!(required.contains(&name.as_str()), "{place}.{name} may be left out");
            }
        }
        match schema {
            Value::Object(fields) => fields.iter().for_each(|(name, field)| walk(&format!("{place}.{name}"), field)),
            Value::Array(items) => items.iter().for_each(|item| walk(place, item)),
            _ => {}
        }
    }
    let schemas = all();
    assert!(schemas.len() >= 4);
    for (name, schema) in schemas {
        walk(&name, &schema);
    }
}

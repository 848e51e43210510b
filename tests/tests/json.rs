//! What programs read: the JSON of both programs has the keys that its version promises.
//!
//! A key that is added is added here. A key that goes or changes its meaning takes a new version.

use alexnet_tests::fixture;
use alexnet_tests::run::Run;
use serde_json::Value;

const CONVERT: &str = env!("CARGO_BIN_EXE_alexnet-convert-under-test");
const VERIFY: &str = env!("CARGO_BIN_EXE_alexnet-verify-under-test");

fn json(run: &Run) -> Value {
    serde_json::from_str(&run.stdout).unwrap_or_else(|error| panic!("{error}:\n{run}"))
}

/// Fails unless `value` is an object with just these keys.
#[track_caller]
fn has_keys(value: &Value, keys: &[&str]) {
    let mut expected = keys.to_vec();
    expected.sort_unstable();
    let mut found: Vec<&str> = value.as_object().expect("an object").keys().map(String::as_str).collect();
    found.sort_unstable();
    assert_eq!(found, expected);
}

fn is_a_verification(report: &Value) {
    has_keys(
        report,
        &[
            "schema",
            "a",
            "b",
            "agreed",
            "verdict",
            "fixtures",
            "consistency",
            "truth",
            "parameters",
            "layers",
            "first_difference",
            "diagnosis",
            "cost",
            "unavailable",
            "reduced",
            "images",
        ],
    );
    assert_eq!(report["schema"], "alexnet-verify/2");
    has_keys(&report["a"], &["path", "sha256", "network", "runs"]);
    has_keys(&report["a"]["runs"][0], &["runtime", "arithmetic", "stored", "milliseconds", "failed"]);
    has_keys(&report["parameters"], &["compared", "equal", "rounded", "not_found", "differences"]);
    let comparison = &report["consistency"][0];
    has_keys(comparison, &["fixture", "runtime", "reference", "tensor", "metrics", "why", "classes"]);
    has_keys(&comparison["classes"], &["top1", "top5", "margin", "at_risk", "kl"]);
    is_metrics(&comparison["metrics"]);
}

fn is_metrics(metrics: &Value) {
    has_keys(
        metrics,
        &[
            "elements",
            "scale",
            "max_abs",
            "max_rel",
            "mean_abs",
            "rms",
            "p50",
            "p99",
            "p99_9",
            "cosine",
            "nan",
            "infinite",
            "outside",
            "first_outside",
            "worst",
            "ulps",
            "histogram",
            "passing_rtol",
            "passing_atol",
            "tolerance",
            "agrees",
        ],
    );
    has_keys(&metrics["tolerance"], &["atol", "rtol", "precision"]);
}

#[test]
fn what_coarser_numbers_cost_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let output = folder.path().join("small.onnx");
    let (input, network) = (fixture("networks/bvlc.safetensors"), ["--network", "bvlc"]);
    let with = |files: [&std::path::Path; 2], options: &[&str]| -> Vec<std::path::PathBuf> {
        files.into_iter().map(Into::into).chain(network.iter().chain(options).map(Into::into)).collect()
    };
    Run::of(CONVERT, with([&input, &output], &["--quantize", "int8", "--no-verify"])).expect(0);
    let report = json(&Run::of(VERIFY, with([&input, &output], &["--json", "--runtime", "candle-onnx"])).expect(0));
    let cost = &report["cost"];
    has_keys(cost, &["precision", "bytes", "f32_bytes", "inputs", "runtimes"]);
    assert_eq!(cost["precision"], "int8-weights");
    assert_eq!(cost["bytes"], output.metadata().unwrap().len());
    // 227,314 parameters.
    assert_eq!(cost["f32_bytes"], 909_256);
    has_keys(&cost["runtimes"][0], &["runtime", "top1", "top5", "kl", "snr_db", "milliseconds"]);
    assert_eq!(cost["runtimes"][0]["milliseconds"].as_array().expect("both were timed").len(), 2);
}

#[test]
fn a_conversion_reports_input_network_outputs_and_checks() {
    let folder = tempfile::tempdir().unwrap();
    let output = folder.path().join("out.onnx");
    let input = fixture("pytorch/jiecaoyu.pth.tar");
    let run = Run::of(CONVERT, [input.as_os_str(), output.as_os_str(), "--json".as_ref()]).expect(0);
    let report = json(&run);
    has_keys(&report, &["schema", "input", "network", "classes", "parameters", "import", "outputs", "verification"]);
    assert_eq!(report["schema"], "alexnet-convert/1");
    has_keys(&report["input"], &["path", "bytes", "sha256", "format", "dialect"]);
    has_keys(
        &report["import"],
        &[
            "format",
            "dialect",
            "network",
            "classes",
            "key",
            "stripped",
            "used",
            "unused",
            "missing",
            "converted",
            "guessed",
            "notes",
        ],
    );
    has_keys(&report["import"]["used"][0], &["parameter", "sources", "transform", "shape", "dtype"]);
    has_keys(&report["import"]["guessed"][0], &["what", "why", "settle"]);
    has_keys(&report["outputs"][0], &["path", "bytes"]);
    assert_eq!(report["outputs"][0]["bytes"], std::fs::metadata(&output).unwrap().len());
    assert_eq!(report["network"]["name"], "bvlc");
    is_a_verification(&report["verification"][0]);
}

#[test]
fn a_verification_that_fails_names_the_layer() {
    let files = ["pytorch/jiecaoyu.pth.tar", "mutants/alpha-not-divided.onnx"].map(fixture);
    let options = ["--json", "--runtime", "candle-onnx"];
    let run = Run::of(VERIFY, files.iter().map(|f| f.as_os_str()).chain(options.map(AsRef::as_ref))).expect(1);
    let report = json(&run);
    is_a_verification(&report);
    assert_eq!(report["agreed"], false);
    has_keys(&report["first_difference"], &["layer", "runtime", "mode", "what"]);
    assert_eq!(report["first_difference"]["layer"], "norm1");
    has_keys(&report["diagnosis"], &["mistake", "sentence", "remaining", "remedy"]);
    assert_eq!(report["diagnosis"]["mistake"], "alpha-not-divided");
    let layer = &report["layers"][0];
    has_keys(layer, &["layer", "op", "runtime", "cumulative", "isolated", "unseen", "why"]);
    is_metrics(&layer["cumulative"]);
}

#[test]
fn an_inspection_reports_groups_and_readings() {
    let input = fixture("pytorch/timm.pth.tar");
    let run = Run::of(CONVERT, [input.as_os_str(), "--inspect".as_ref(), "--json".as_ref()]).expect(0);
    let report = json(&run);
    assert_eq!(report["schema"], "alexnet-inspect/1");
    for key in ["path", "bytes", "format", "groups", "refusal"] {
        assert!(report.get(key).is_some(), "no `{key}` in:\n{run}");
    }
    has_keys(&report["groups"][0]["tensors"][0], &["name", "dtype", "shape", "strided"]);
}

//! Every committed checkpoint against what the manifest says a converter must make of it.

use alexnet_formats::{ImportOptions, Kind, Limits, Source, import, open};
use alexnet_spec::networks;
use serde_json::Value;
use std::path::Path;

const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures");

/// What the command line's options of a case mean here.
fn options(case: &Value) -> ImportOptions {
    let words: Vec<&str> = case["options"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let value = |option: &str| words.iter().position(|word| *word == option).map(|at| words[at + 1]);
    ImportOptions {
        network: value("--network").map(|name| networks::get(name).expect("a network of the registry")),
        key: value("--key").map(str::to_owned),
    }
}

/// Why the outcome isn't the one expected.
fn fault(path: &Path, case: &Value) -> Option<String> {
    let limits = Limits::default();
    let outcome = Source::open(path, &limits)
        .and_then(|source| open(&source, &limits))
        .and_then(|checkpoint| import(&checkpoint, &options(case)));
    match (case["expect"].as_str().expect("an expectation"), outcome) {
        ("ok", Ok(imported)) => {
            (case["network"] != imported.network.name.as_str()).then(|| format!("became {}", imported.network.name))
        }
        (expected @ ("refused" | "ambiguous"), Err(error)) => {
            let says = case["says"].as_str().unwrap_or_default();
            let kinds: &[Kind] =
                if expected == "ambiguous" { &[Kind::Ambiguous] } else { &[Kind::Refused, Kind::Malformed] };
            (!kinds.contains(&error.kind()) || !error.to_string().contains(says))
                .then(|| format!("{:?}: {error}", error.kind()))
        }
        (_, Ok(imported)) => Some(format!("became {}", imported.network.name)),
        (_, Err(error)) => Some(error.to_string()),
    }
}

fn check(folder: &str) {
    let manifest = std::fs::read_to_string(format!("{FIXTURES}/MANIFEST.json")).unwrap();
    let manifest: Value = serde_json::from_str(&manifest).unwrap();
    let (mut cases, mut faults) = (0, Vec::new());
    for fixture in manifest["fixtures"].as_array().unwrap() {
        let path = fixture["path"].as_str().unwrap();
        for case in fixture["cases"].as_array().into_iter().flatten().filter(|_| path.starts_with(folder)) {
            cases += 1;
            faults.extend(fault(&Path::new(FIXTURES).join(path), case).map(|fault| format!("{path}: {fault}")));
        }
    }
    assert!(cases > 0, "the manifest has no case in {folder}");
    assert!(faults.is_empty(), "{} of {cases}:\n{}", faults.len(), faults.join("\n"));
}

#[test]
fn weights_by_canonical_names_become_the_network_that_they_are() {
    check("networks/");
}

#[test]
fn pytorch_checkpoints_become_what_the_manifest_says() {
    check("pytorch/");
}

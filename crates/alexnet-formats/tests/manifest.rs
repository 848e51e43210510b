//! Every committed checkpoint against what its manifest says a converter must make of it.

use alexnet_formats::{Companions, ImportOptions, Kind, Limits, Map, MeanFile, Source, import, open};
use alexnet_spec::networks;
use serde_json::Value;
use std::path::{Path, PathBuf};

const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures");

/// The command line's options of a case.
struct Options<'a>(Vec<&'a str>);

impl<'a> Options<'a> {
    fn of(case: &'a Value) -> Options<'a> {
        Options(case["options"].as_array().into_iter().flatten().filter_map(Value::as_str).collect())
    }

    fn value(&self, option: &str) -> Option<&'a str> {
        self.0.iter().position(|word| *word == option).map(|at| self.0[at + 1])
    }

    fn source(&self, option: &str) -> Option<Source> {
        let path = Path::new(FIXTURES).join(self.value(option)?);
        Some(Source::open(path, &Limits::default()).unwrap())
    }

    fn import(&self) -> ImportOptions {
        ImportOptions {
            network: self.value("--network").map(|name| networks::get(name).expect("a network of the registry")),
            key: self.value("--key").map(str::to_owned),
            rgb: self.0.contains(&"--rgb"),
            mean: self.source("--mean").map(|source| MeanFile::read(&source, &Limits::default()).unwrap()),
            published: None,
            map: self.source("--map").map(|source| Map::read(&source, &Limits::default()).unwrap()),
        }
    }

    fn companions(&self) -> Companions {
        Companions { prototxt: self.source("--prototxt"), cfg: self.source("--cfg") }
    }
}

/// Why the outcome isn't the one expected.
fn fault(path: &Path, case: &Value) -> Option<String> {
    let (limits, options) = (Limits::default(), Options::of(case));
    let outcome = Source::open(path, &limits)
        .and_then(|source| open(&source.with_companions(options.companions()), &limits))
        .and_then(|checkpoint| import(&checkpoint, &options.import()));
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

/// The manifests of all folders, and the one of those that have none of their own.
fn manifests() -> Vec<PathBuf> {
    let folders = Path::new(FIXTURES).read_dir().unwrap().map(|entry| entry.unwrap().path());
    let own = folders.map(|folder| folder.join("MANIFEST.json")).filter(|path| path.is_file());
    own.chain([Path::new(FIXTURES).join("MANIFEST.json")]).collect()
}

#[test]
fn every_checkpoint_becomes_what_its_manifest_says() {
    let (mut cases, mut faults) = (0, Vec::new());
    for manifest in manifests() {
        let manifest: Value = serde_json::from_str(&std::fs::read_to_string(manifest).unwrap()).unwrap();
        for fixture in manifest["fixtures"].as_array().unwrap() {
            for case in fixture["cases"].as_array().into_iter().flatten() {
                let path = case["input"].as_str().or(fixture["path"].as_str()).unwrap();
                cases += 1;
                faults.extend(fault(&Path::new(FIXTURES).join(path), case).map(|fault| format!("{path}: {fault}")));
            }
        }
    }
    assert!(cases > 60, "the manifests have {cases} cases");
    assert!(faults.is_empty(), "{} of {cases}:\n{}", faults.len(), faults.join("\n"));
}

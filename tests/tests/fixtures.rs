//! The fixtures are what the manifest says they are.

use alexnet_tests::fixture;
use alexnet_tests::manifest::manifest;
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::Path;

#[test]
fn every_fixture_is_the_file_that_was_made() {
    for listed in manifest().fixtures {
        let bytes = std::fs::read(fixture(&listed.path)).unwrap_or_else(|e| panic!("{}: {e}", listed.path));
        let sha256 = Sha256::digest(&bytes).iter().fold(String::new(), |mut text, byte| {
            write!(text, "{byte:02x}").unwrap();
            text
        });
        assert_eq!((bytes.len() as u64, sha256), (listed.bytes, listed.sha256), "{}", listed.path);
    }
}

#[test]
fn no_fixture_is_missing_from_the_manifest() {
    let manifest = manifest();
    let listed: BTreeSet<&str> = manifest.fixtures.iter().map(|listed| listed.path.as_str()).collect();
    let own = alexnet_tests::manifest::folders();
    let folders = ["goldens", "inputs", "mutants", "networks", "photos", "pytorch", "tables"];
    for folder in folders.into_iter().chain(own.iter().map(String::as_str)) {
        for name in alexnet_tests::run::files(&fixture(folder)) {
            let path = format!("{folder}/{name}");
            let within = |listed: &&str| listed.strip_prefix(&path).is_some_and(|rest| rest.starts_with('/'));
            let known = listed.contains(path.as_str()) || listed.iter().any(within);
            assert!(known || ["README.md", "MANIFEST.json"].contains(&name.as_str()), "{path}");
        }
    }
}

#[test]
fn the_fixtures_stay_small() {
    fn size(path: &Path) -> u64 {
        if path.is_dir() {
            path.read_dir().unwrap().map(|entry| size(&entry.unwrap().path())).sum()
        } else {
            path.metadata().unwrap().len()
        }
    }
    let size = size(&fixture(""));
    assert!(size < 40_000_000, "{size} bytes");
}

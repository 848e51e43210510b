//! Every hostile file through the programs: exit code 2, an error of one line, no output, and soon.

use alexnet_tests::fixture;
use alexnet_tests::run::{Run, files};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

const CONVERT: &str = env!("CARGO_BIN_EXE_alexnet-convert-under-test");
const VERIFY: &str = env!("CARGO_BIN_EXE_alexnet-verify-under-test");

/// The files below `folder`, scripts and notes aside.
fn below(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for name in files(folder) {
        let path = folder.join(&name);
        if path.is_dir() {
            found.extend(below(&path));
        } else if !name.ends_with(".md") && !name.ends_with(".py") {
            found.push(path);
        }
    }
    found
}

#[test]
fn hostile_files_are_refused_in_one_line_and_in_time() {
    let folder = tempfile::tempdir().unwrap();
    let good = fixture("pytorch/zip.pth");
    let hostile = below(&fixture("hostile"));
    assert!(hostile.len() > 30, "{}", hostile.len());
    for path in hostile {
        let start = Instant::now();
        let convert = Run::of(CONVERT, [&path, &folder.path().join("out.safetensors")]);
        let mut runs = vec![convert];
        if path.extension().is_some_and(|extension| extension == "onnx") {
            runs.push(Run::of(VERIFY, [&good, &path]));
        }
        for run in runs {
            let run = run.expect(2).says("");
            assert!(run.stderr.lines().count() <= 2, "an error and what to try:\n{run}");
            assert!(!run.stderr.contains("panicked"), "{run}");
        }
        assert!(start.elapsed() < Duration::from_secs(20), "{}: {:?}", path.display(), start.elapsed());
        assert_eq!(files(folder.path()), [""; 0]);
    }
}

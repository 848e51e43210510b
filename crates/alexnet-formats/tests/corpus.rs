//! What the fuzz targets have come by, replayed: whatever the bytes, reading and importing them ends with a value or an error.

use alexnet_formats::{Checkpoint, Companions, ImportOptions, Limits, Map, MeanFile, Source, formats, import, inspect};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

fn root(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)
}

fn use_up(checkpoint: &Checkpoint) {
    let options = ImportOptions::default();
    let _ = inspect(checkpoint, &options).to_string();
    let _ = import(checkpoint, &options);
}

fn read(format: &str, source: Source, companions: Companions) {
    let named = |known: &&&formats::Format| known.name.replace('-', "_") == format;
    let format = formats::FORMATS.iter().find(named).unwrap_or_else(|| panic!("no format for the target {format}"));
    if let Ok(checkpoint) = format.read(&source.with_companions(companions), &Limits::default()) {
        use_up(&checkpoint);
    }
}

fn beside(path: &str) -> Source {
    Source::from_bytes(path, std::fs::read(root("fixtures").join(path)).unwrap())
}

/// As the target of this name in `fuzz/src/lib.rs` does.
fn replay(target: &str, data: Vec<u8>) {
    let source = Source::from_bytes(target, data);
    match target {
        "mean" => drop(MeanFile::read(&source, &Limits::default())),
        "map" => drop(Map::read(&source, &Limits::default())),
        "onnx_lower" => read("onnx", source, Companions::default()),
        "darknet_weights" => {
            let cfg = Some(beside("darknet/alexnet.cfg"));
            read("darknet", source, Companions { cfg, ..Companions::default() });
        }
        "darknet_cfg" => {
            let cfg = Some(source);
            read("darknet", beside("darknet/alexnet.weights"), Companions { cfg, ..Companions::default() });
        }
        "prototxt" => {
            let prototxt = Some(source);
            read("caffe", beside("caffe/weights.caffemodel"), Companions { prototxt, ..Companions::default() });
        }
        format => read(format, source, Companions::default()),
    }
}

#[test]
fn every_input_of_the_corpus_ends_soon() {
    let mut replayed = 0;
    let entries = root("fuzz/corpus").read_dir().unwrap().map(|entry| entry.unwrap());
    for folder in entries.filter(|entry| entry.path().is_dir()) {
        let target = folder.file_name().into_string().unwrap();
        for file in folder.path().read_dir().unwrap() {
            let path = file.unwrap().path();
            let before = Instant::now();
            replay(&target, std::fs::read(&path).unwrap());
            assert!(before.elapsed() < Duration::from_secs(20), "{}: {:?}", path.display(), before.elapsed());
            replayed += 1;
        }
    }
    assert!(replayed > 200, "{replayed} inputs");
}

/// A format whose reader no target fuzzes would be missed here.
#[test]
fn every_format_has_a_target() {
    let targets: Vec<String> = root("fuzz/targets")
        .read_dir()
        .unwrap()
        .map(|file| file.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned())
        .collect();
    for format in formats::FORMATS {
        let name = format.name.replace('-', "_");
        // Darknet's reader has two targets; a folder's files are read by the one for .npy.
        let named = |target: &String| *target == name || target.starts_with(&format!("{name}_"));
        assert!(targets.iter().any(named) || name == "theano", "{name}");
    }
}

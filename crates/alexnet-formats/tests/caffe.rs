//! Caffe's files through the public interface: what is a view, and that damage ends in one line.

use alexnet_formats::{Companions, ImportOptions, Limits, MeanFile, Source, import, open};
use proptest::prelude::*;
use std::path::Path;

fn fixture(name: &str) -> Vec<u8> {
    std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/caffe").join(name)).unwrap()
}

/// Whether every parameter shows the file's own bytes.
fn all_views(name: &str) -> bool {
    let source = Source::from_bytes(name, fixture(name));
    let imported = import(&open(&source, &Limits::default()).unwrap(), &ImportOptions::default()).unwrap();
    let file = source.bytes().as_ptr_range();
    imported.weights.iter().all(|(_, tensor)| {
        let shown = tensor.as_contiguous().unwrap().as_ptr_range();
        file.start <= shown.start && shown.end <= file.end
    })
}

#[test]
fn packed_numbers_of_any_precision_and_generation_are_views_of_the_file() {
    for name in [
        "alexnet.caffemodel",
        "alexnet-v0.caffemodel",
        "caffenet-v1.caffemodel",
        "doubles.caffemodel",
        "half.caffemodel",
    ] {
        assert!(all_views(name), "{name}");
    }
    assert!(!all_views("unpacked.caffemodel"));
}

#[test]
fn notes_ask_for_a_mean_until_it_is_given() {
    let limits = Limits::default();
    let asks = |mean: Option<MeanFile>| {
        let source = Source::from_bytes("net.caffemodel", fixture("flickr-style.caffemodel"));
        let options = ImportOptions { mean, ..ImportOptions::default() };
        let imported = import(&open(&source, &limits).unwrap(), &options).unwrap();
        imported.report.notes.iter().any(|note| note.contains("--mean"))
    };
    let mean = MeanFile::read(&Source::from_bytes("mean.binaryproto", fixture("mean.binaryproto")), &limits).unwrap();
    assert!(asks(None));
    assert!(!asks(Some(mean)));
}

#[test]
fn a_description_of_another_program_is_left_aside_aloud() {
    let text = || Some(Source::from_bytes("net.cfg", "[net]"));
    for (companions, left) in [
        (Companions { prototxt: None, cfg: text() }, Some("--cfg is left aside")),
        (Companions { prototxt: None, cfg: None }, None),
    ] {
        let source = Source::from_bytes("net.caffemodel", fixture("alexnet.caffemodel")).with_companions(companions);
        let notes = open(&source, &Limits::default()).unwrap().notes;
        assert_eq!(notes.iter().find(|note| note.contains("left aside")).map(|note| &note[..19]), left, "{notes:?}");
    }
}

/// Ends in a network or in one line.
fn read(caffemodel: Vec<u8>, prototxt: Option<Vec<u8>>) -> Result<(), TestCaseError> {
    let limits = Limits::default();
    let companions = Companions { prototxt: prototxt.map(|text| Source::from_bytes("net.prototxt", text)), cfg: None };
    let source = Source::from_bytes("net.caffemodel", caffemodel).with_companions(companions);
    let outcome = open(&source, &limits).and_then(|checkpoint| import(&checkpoint, &ImportOptions::default()));
    if let Err(error) = outcome {
        let text = error.to_string();
        prop_assert!(!text.chars().any(char::is_control), "{}", text);
    }
    Ok(())
}

/// Where bytes are changed, as a part of the length, and to what.
fn changes() -> impl Strategy<Value = Vec<(f64, u8)>> {
    proptest::collection::vec((0.0..1.0, any::<u8>()), 1..6)
}

fn changed(mut bytes: Vec<u8>, changes: &[(f64, u8)], cut: Option<f64>) -> Vec<u8> {
    for (place, byte) in changes {
        let index = (place * bytes.len() as f64) as usize;
        bytes[index] = *byte;
    }
    bytes.truncate(cut.map_or(bytes.len(), |cut| (cut * bytes.len() as f64) as usize));
    bytes
}

/// A net without the bulk of its weights, so that changes hit what says something.
fn skeleton() -> Vec<u8> {
    let mut bytes = fixture("alexnet.caffemodel");
    bytes.truncate(1200);
    bytes
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_damaged_caffemodel_ends_in_one_line(
        changes in changes(),
        cut in proptest::option::of(0.0..1.0),
        whole in any::<bool>(),
        name in proptest::sample::select(&["alexnet.caffemodel", "alexnet-v0.caffemodel", "caffenet-v1.caffemodel"][..]),
    ) {
        let bytes = if whole { fixture(name) } else { skeleton() };
        read(changed(bytes, &changes, cut), None)?;
    }

    #[test]
    fn a_damaged_prototxt_ends_in_one_line(
        changes in changes(),
        cut in proptest::option::of(0.0..1.0),
        name in proptest::sample::select(&["alexnet.prototxt", "caffenet-old.prototxt"][..]),
    ) {
        read(fixture("weights.caffemodel"), Some(changed(fixture(name), &changes, cut)))?;
    }
}

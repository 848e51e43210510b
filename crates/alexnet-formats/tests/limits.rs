//! Each field of `Limits` stops what exceeds it, by name, and nothing that keeps to it.

use alexnet_formats::{Kind, Limits, Source, open};
use std::path::PathBuf;

fn fixture(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../fixtures").join(name)
}

#[test]
fn each_limit_stops_a_file_that_needs_one_more() {
    type Set = fn(&mut Limits, usize);
    // The number is the smallest with which the file is read, counted in the file (`python -m pickletools`).
    let cases: [(&str, &str, usize, Set); 11] = [
        // The file's size.
        ("file_bytes", "pytorch/zip.pth", 37_659, |limits, n| limits.file_bytes = n as u64),
        // data.pkl, 16 storages, and five small ones.
        ("entries", "pytorch/zip.pth", 22, |limits, n| limits.entries = n),
        // 35 opcodes, and 6 arguments of a call that are copied.
        ("opcodes", "hostile/self-dict.pth", 41, |limits, n| limits.opcodes = n),
        // 2 dictionaries, 5 strings, 5 tuples, 3 globals, a storage and a tensor.
        ("objects", "hostile/self-dict.pth", 17, |limits, n| limits.objects = n),
        ("memo", "hostile/self-dict.pth", 1, |limits, n| limits.memo = n),
        // Marks that are open at once: two dictionaries' entries, a tensor's arguments and its storage's.
        ("depth", "pytorch/nested.pth", 4, |limits, n| limits.depth = n),
        // Names are lines, not strings: the longest string is `storage`.
        ("string_bytes", "hostile/self-dict.pth", 7, |limits, n| limits.string_bytes = n),
        // The longest name is `_rebuild_tensor_v2`.
        ("name_bytes", "hostile/self-dict.pth", 18, |limits, n| limits.name_bytes = n),
        // 8 layers with weight and bias.
        ("tensors", "pytorch/zip.pth", 16, |limits, n| limits.tensors = n),
        // Convolutions have 4.
        ("dimensions", "pytorch/zip.pth", 4, |limits, n| limits.dimensions = n),
        // The sum of its members, by `unzip -l`.
        ("decompressed_bytes", "pytorch/zip-deflate.pth", 34_288, |limits, n| limits.decompressed_bytes = n as u64),
    ];
    let mut faults = Vec::new();
    for (name, file, enough, set) in cases {
        let read = |allowed: usize| {
            let mut limits = Limits::default();
            set(&mut limits, allowed);
            Source::open(fixture(file), &limits).and_then(|source| open(&source, &limits))
        };
        if let Err(error) = read(enough) {
            faults.push(format!("{name} of {enough} is too little: {error}"));
        }
        match read(enough - 1) {
            Ok(_) => faults.push(format!("{name} of {} is enough", enough - 1)),
            Err(error) if error.kind() != Kind::Limit || !error.to_string().contains(&format!("limit `{name}`")) => {
                faults.push(format!("{name}: {error}"));
            }
            Err(_) => {}
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn the_ratio_of_decompression_is_counted_over_the_whole_file() {
    // 6,000,000 zeros, 139 bytes of pickle and 6 of byteorder in a file of 6,291 bytes: 954 times as many.
    let read = |decompression_ratio| {
        let limits = Limits { decompression_ratio, ..Limits::default() };
        Source::open(fixture("hostile/zip-bomb.pth"), &limits)
            .and_then(|source| open(&source, &limits))
            .unwrap_err()
            .to_string()
    };
    assert!(read(953).contains("limit `decompression_ratio` of 953"), "{}", read(953));
    assert!(!read(954).contains("decompression_ratio"), "{}", read(954));
}

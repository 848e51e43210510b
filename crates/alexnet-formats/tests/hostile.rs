//! Every file of `fixtures/hostile` against its line in the index there.

use alexnet_formats::{Limits, Source, open};
use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// What reading any of the files may take, in a debug build on a busy machine.
const PATIENCE: Duration = Duration::from_secs(10);

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/hostile")
}

/// The rows of the index: file, what the reader says.
fn index() -> Vec<(String, String)> {
    let text = fs::read_to_string(folder().join("README.md")).unwrap();
    let rows = text.lines().filter_map(|line| line.strip_prefix("| ")?.strip_suffix(" |"));
    let rows = rows.map(|row| row.split(" | ").collect::<Vec<_>>()).skip(1);
    rows.map(|row| (row[0].to_owned(), row[1].to_owned())).collect()
}

#[test]
fn each_file_is_refused_as_its_index_line_says() {
    let limits = Limits::default();
    let mut faults = Vec::new();
    for (name, says) in index() {
        let started = Instant::now();
        let read = Source::open(folder().join(&name), &limits).and_then(|source| open(&source, &limits));
        let took = started.elapsed();
        let (inert, said) = match read {
            Ok(checkpoint) => {
                let unreadable: Vec<_> = checkpoint.groups.iter().flat_map(|group| &group.unreadable).collect();
                let tensors = checkpoint.groups.iter().map(|group| group.tensors.len()).sum::<usize>();
                let reasons: Vec<&str> = unreadable.iter().map(|unreadable| unreadable.reason.as_str()).collect();
                (unreadable.is_empty() && tensors == 1, reasons.join("; "))
            }
            Err(error) => (false, error.to_string()),
        };
        let right = match says.as_str() {
            "inert" => inert,
            says => said.contains(says),
        };
        if !right {
            faults.push(format!("{name}: says `{said}`, not `{says}`"));
        }
        if said.chars().any(char::is_control) {
            faults.push(format!("{name}: the message isn't one printable line"));
        }
        if took > PATIENCE {
            faults.push(format!("{name}: took {took:?}"));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert!(!PathBuf::from("/tmp/pwned").exists(), "a program in a file was run");
}

#[test]
fn the_index_lists_every_file() {
    let listed: BTreeSet<String> = index().into_iter().map(|(name, _)| name).collect();
    let entries = fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap());
    let files = entries.filter(|entry| entry.file_type().unwrap().is_file());
    let names = files.map(|entry| entry.file_name().into_string().unwrap());
    let found: BTreeSet<String> = names.filter(|name| name != "README.md" && !name.ends_with(".py")).collect();
    assert_eq!(found, listed);
}

#[test]
fn two_million_nested_tuples_end_at_a_limit_and_not_at_the_end_of_the_stack() {
    let mut pickle = vec![0x80, 2, b')'];
    pickle.extend(std::iter::repeat_n(0x85, 2_000_000));
    pickle.push(b'.');
    let source = Source::from_bytes("nested.pkl", pickle);
    let error = open(&source, &Limits::default()).unwrap_err();
    assert!(error.to_string().contains("limit `objects` of 1048576"), "{error}");
    // With room for all of them they are made, walked and dropped without a call for each.
    let roomy = Limits { objects: 3_000_000, depth: 3_000_000, ..Limits::default() };
    let error = open(&source, &roomy).unwrap_err();
    assert!(error.to_string().contains("holds no tensors; at its root is a tuple of 1"), "{error}");
}

#[test]
fn doubling_by_copies_is_bounded_by_what_is_copied() {
    // A list of 1,000 is copied into a set, over and over: 4 bytes of file for 1,000 elements of memory.
    let mut pickle = vec![0x80, 2];
    pickle.extend_from_slice(b"c__builtin__\nset\nq\x00](");
    pickle.extend(std::iter::repeat_n(b'N', 1000));
    pickle.extend_from_slice(b"e\x85q\x01");
    for _ in 0..100_000 {
        pickle.extend_from_slice(b"h\x00h\x01R0");
    }
    pickle.push(b'.');
    let error = open(&Source::from_bytes("copies.pkl", pickle), &Limits::default()).unwrap_err();
    assert!(error.to_string().contains("limit `opcodes`"), "{error}");
}

use super::*;
use crate::{Group, Kind, Limits, Result, Source, open};
use alexnet_spec::DType;
use std::fs;
use std::path::Path;
use tempfile::TempDir;

const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/tensorflow");

fn varint(mut value: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while value >= 0x80 {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
    bytes
}

fn masked(bytes: &[u8]) -> [u8; 4] {
    crc32c::crc32c(bytes).rotate_right(15).wrapping_add(0xa282_ead8).to_le_bytes()
}

/// A block of whole keys with its trailer.
fn block(entries: &[(&[u8], Vec<u8>)], compression: u8) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (key, value) in entries {
        bytes.extend([varint(0), varint(key.len() as u64), varint(value.len() as u64)].concat());
        bytes.extend([*key, value].concat());
    }
    bytes.extend([0, 0, 0, 0, 1, 0, 0, 0, compression]);
    let crc = masked(&bytes);
    [&bytes[..], &crc].concat()
}

fn table_of(blocks: &[Vec<u8>]) -> Vec<u8> {
    let (mut bytes, mut index) = (Vec::new(), Vec::new());
    for block in blocks {
        index.push((&b"z"[..], [varint(bytes.len() as u64), varint(block.len() as u64 - 5)].concat()));
        bytes.extend(block);
    }
    let at = bytes.len() as u64;
    bytes.extend(block(&index, 0));
    let length = bytes.len() as u64 - at - 5;
    let mut footer = [varint(0), varint(0), varint(at), varint(length)].concat();
    footer.resize(40, 0);
    [bytes, footer, vec![0x57, 0xfb, 0x80, 0x8b, 0x24, 0x75, 0x47, 0xdb]].concat()
}

/// A `BundleEntryProto` of f32.
fn entry(shape: &[u64], shard: u64, offset: u64, length: u64, crc: [u8; 4]) -> Vec<u8> {
    let dims: Vec<u8> = shape
        .iter()
        .flat_map(|size| {
            let dim = [vec![8], varint(*size)].concat();
            [vec![0x12, dim.len() as u8], dim].concat()
        })
        .collect();
    let fields = [vec![0x18], varint(shard), vec![0x20], varint(offset), vec![0x28], varint(length), vec![0x35]];
    [vec![8, 1, 0x12], varint(dims.len() as u64), dims, fields.concat(), crc.to_vec()].concat()
}

fn index(entries: &[(&[u8], Vec<u8>)]) -> Vec<u8> {
    let header = (&b""[..], vec![8, 1, 0x1a, 2, 8, 1]);
    table_of(&[block(&[&[header], entries].concat(), 0)])
}

/// `x.index` and its data in a folder.
fn files(index: &[u8], data: &[u8]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("x.index"), index).unwrap();
    fs::write(folder.path().join("x.data-00000-of-00001"), data).unwrap();
    folder
}

fn read_in(folder: &Path) -> Result<Vec<Group>> {
    let limits = Limits::default();
    open(&Source::open(folder.join("x.index"), &limits)?, &limits).map(|checkpoint| checkpoint.groups)
}

fn says(index: &[u8], data: &[u8]) -> String {
    let error = read_in(files(index, data).path()).map(|_| ()).unwrap_err().to_string();
    assert!(!error.chars().any(char::is_control), "{error}");
    error
}

#[test]
fn variables_are_views_of_the_data_file_and_training_state_stands_apart() {
    let limits = Limits::default();
    let checkpoint =
        open(&Source::open(format!("{FIXTURES}/slim/model.ckpt-1.index"), &limits).unwrap(), &limits).unwrap();
    let [weights, state] = &checkpoint.groups[..] else { panic!("{} groups", checkpoint.groups.len()) };
    assert_eq!((weights.tensors.len(), state.tensors.len(), state.key.as_str()), (17, 32, "optimizer"));
    let kernel = weights.get("alexnet_v2/fc6/weights").unwrap();
    assert_eq!((kernel.shape(), kernel.dtype()), (&[5, 5, 8, 24][..], DType::F32));
    assert_eq!(weights.get("global_step").unwrap().dtype(), DType::I64);
    assert!(state.get("alexnet_v2/conv1/biases/ExponentialMovingAverage").is_some());
    // Both lie in one map, the smaller name first.
    let at = |name: &str| weights.get(name).unwrap().as_contiguous().unwrap().as_ptr() as usize;
    assert!(at("alexnet_v2/conv1/weights") - at("alexnet_v2/conv1/biases") < 10_000);
}

#[test]
fn an_objects_variables_have_the_names_of_its_attributes() {
    let limits = Limits::default();
    let checkpoint = open(&Source::open(format!("{FIXTURES}/object/ckpt.index"), &limits).unwrap(), &limits).unwrap();
    let [weights, state] = &checkpoint.groups[..] else { panic!("{} groups", checkpoint.groups.len()) };
    assert!(weights.get("model/conv1/weights").is_some());
    assert_eq!(weights.tensors.len(), 16);
    assert!(state.get("model/conv1/weights/.OPTIMIZER_SLOT/optimizer/m").is_some());
    let graph = weights.unreadable.iter().find(|variable| variable.name == "_CHECKPOINTABLE_OBJECT_GRAPH").unwrap();
    assert_eq!(graph.reason, "holds text, not numbers");
}

#[test]
fn what_the_files_say_of_each_other_is_checked() {
    let data = [1f32, 2.0].map(f32::to_le_bytes).concat();
    let crc = masked(&data);
    let good = index(&[(b"a", entry(&[2], 0, 0, 8, crc))]);
    let groups = read_in(files(&good, &data).path()).unwrap();
    assert_eq!(groups[0].get("a").unwrap().to_f32().unwrap(), [1.0, 2.0]);

    let mut flipped = good.clone();
    flipped[9] ^= 1;
    let damaged = [&data[..7], &[0]].concat();
    let both = [(&b"a"[..], entry(&[2], 0, 0, 8, crc)), (&b"b"[..], entry(&[2], 0, 0, 8, crc))];
    let cases = [
        (says(&flipped, &data), "block at byte 0: its CRC-32C is"),
        (says(&good, &damaged), "x.data-00000-of-00001: variable `a`: its CRC-32C is"),
        (says(&good, &data[..4]), "variable `a`: lies where others do"),
        (says(&index(&[(b"a", entry(&[1], 0, 8, 4, crc))]), &data), "has 4 bytes from byte 8 on, but"),
        (
            says(&index(&[(b"a", entry(&[2], 0, u64::MAX, 8, crc))]), &data),
            "has 8 bytes from byte 18446744073709551615",
        ),
        (says(&index(&[(b"a", entry(&[3], 0, 0, 8, crc))]), &data), "the view reaches outside its storage: shape [3]"),
        (says(&index(&[(b"a", entry(&[1 << 62, 8], 0, 0, 8, crc))]), &data), "overflows"),
        (says(&index(&[(b"a", entry(&[2], 7, 0, 8, crc))]), &data), "lies in data file 7 of 1"),
        (says(&index(&both), &data), "variable `b`: lies where others do"),
        (says(&index(&[both[1].clone(), both[0].clone()]), &data), "aren't in ascending order"),
        (says(&index(&[both[0].clone(), both[0].clone()]), &data), "aren't in ascending order"),
        (
            says(&index(&[(b"\xff", entry(&[2], 0, 0, 8, crc))]), &data),
            "variable `\u{fffd}`: has a name that is no UTF-8",
        ),
        (says(&index(&[(b"a", vec![8])]), &data), "variable `a`"),
        (says(&index(&[(b"a", vec![8, 1, 0x12, 2, 0x18, 1])]), &data), "a variable without a shape"),
        (says(&table_of(&[block(&[(b"", vec![8, 1])], 1)]), &data), "is compressed by Snappy"),
        (says(&table_of(&[block(&[(b"", vec![8, 1])], 9)]), &data), "is compressed by method 9"),
        (says(&table_of(&[block(&[(b"", vec![8, 1, 0x10, 1])], 0)]), &data), "its numbers are big-endian"),
        (says(&table_of(&[block(&[(b"", vec![8, 1, 0x1a, 2, 0x10, 2])], 0)]), &data), "needs a reader of version 2"),
        (
            says(&table_of(&[block(&[(b"user", vec![])], 0)]), &data),
            "no TensorFlow checkpoint: its first key is `user`",
        ),
        (says(&table_of(&[]), &data), "a LevelDB table without entries"),
        (says(&good[good.len() - 48..], &data), "the table's index, block at byte"),
    ];
    for (said, expected) in cases {
        assert!(said.contains(expected), "{said}\nisn't: {expected}");
    }
}

#[test]
fn keys_that_share_what_is_not_there_are_refused() {
    let mut bytes = [varint(3), varint(1), varint(0), vec![b'a']].concat();
    bytes.extend([0, 0, 0, 0, 1, 0, 0, 0, 0]);
    let crc = masked(&bytes);
    assert!(says(&table_of(&[[&bytes[..], &crc].concat()]), b"").contains("a key shares 3 bytes with one of 0"));
    // The number of whole keys is larger than the block.
    let mut bytes = vec![0xff, 0xff, 0xff, 0xff, 0];
    let crc = masked(&bytes);
    bytes.extend(crc);
    assert!(says(&table_of(&[bytes]), b"").contains("a block ends within its own index"));
}

#[test]
fn a_small_index_does_not_become_many_bytes_of_keys() {
    let long = vec![b'k'; 4000];
    let mut bytes = [varint(0), varint(0), varint(2), vec![8, 1], varint(0), varint(4000), varint(0), long].concat();
    for number in 0..50_000u32 {
        bytes.extend([varint(4000), varint(6), varint(0), format!("{number:06x}").into_bytes()].concat());
    }
    bytes.extend([0, 0, 0, 0, 1, 0, 0, 0, 0]);
    let crc = masked(&bytes);
    bytes.extend(crc);
    let said = says(&table_of(&[bytes]), b"");
    assert!(said.contains("exceeds the limit `header_bytes`"), "{said}");
}

#[test]
fn the_data_is_looked_for_beside_the_index() {
    let data = [0u8; 8];
    let good = index(&[(b"a", entry(&[2], 0, 0, 8, masked(&data)))]);
    let folder = files(&good, &data);
    fs::remove_file(folder.path().join("x.data-00000-of-00001")).unwrap();
    let error = read_in(folder.path()).unwrap_err();
    assert_eq!(error.kind(), Kind::Io);
    assert!(error.to_string().contains("try getting `x.data-00000-of-00001`"), "{error}");

    let limits = Limits::default();
    let renamed = folder.path().join("weights");
    fs::rename(folder.path().join("x.index"), &renamed).unwrap();
    let error = open(&Source::open(renamed, &limits).unwrap(), &limits).unwrap_err().to_string();
    assert!(error.contains("renaming it to NAME.index"), "{error}");
}

#[test]
fn of_a_folder_the_newest_checkpoint_is_read() {
    let data = [0u8; 8];
    let good = index(&[(b"a", entry(&[2], 0, 0, 8, masked(&data)))]);
    let folder = files(&good, &data);
    let limits = Limits::default();
    let read = || open(&Source::open(folder.path(), &limits)?, &limits).map(|checkpoint| checkpoint.notes);
    assert_eq!(read().unwrap(), ["of the folder, x.index was read"]);
    fs::write(folder.path().join("y.index"), &good).unwrap();
    let error = read().unwrap_err();
    assert_eq!(error.kind(), Kind::Ambiguous);
    assert!(error.to_string().contains("has 2 checkpoints, `x.index` to `y.index`"), "{error}");
    fs::write(folder.path().join("checkpoint"), "model_checkpoint_path: \"/home/me/run/x\"\n").unwrap();
    assert_eq!(read().unwrap(), ["of the folder, x.index was read"]);
    fs::write(folder.path().join("checkpoint"), "model_checkpoint_path: \"../../z\"\n").unwrap();
    assert!(read().unwrap_err().to_string().contains("names `z`, but there is no `z.index`"));
}

#[test]
fn what_an_optimizer_keeps_is_told_by_its_name() {
    let known = |name: &str| ["a/weights", "a/biases"].contains(&name);
    let cases = [
        ("a/weights", false),
        ("a/weights/Momentum", true),
        ("a/weights_2", false),
        ("b/weights/Adam_1", false),
        ("model/a/.OPTIMIZER_SLOT/optimizer/m", true),
        ("optimizer/_variables/1", true),
    ];
    for (name, expected) in cases {
        assert_eq!(names::is_training_state(name, known), expected, "{name}");
    }
}

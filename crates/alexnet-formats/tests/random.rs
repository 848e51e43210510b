//! Whatever bytes a file has, reading it ends, with tensors or with one line of error; and every view shows the elements that
//! its strides say.

use alexnet_formats::{Limits, Source, open};
use proptest::prelude::*;
use std::fs;
use std::path::PathBuf;

/// Small enough that random programs are bounded by something.
fn limits() -> Limits {
    Limits { opcodes: 100_000, objects: 50_000, tensors: 1000, decompressed_bytes: 10 << 20, ..Limits::default() }
}

fn ends(bytes: Vec<u8>) {
    let source = Source::from_bytes("random", bytes);
    match open(&source, &limits()) {
        Ok(checkpoint) => {
            for (_, tensor) in checkpoint.groups.iter().flat_map(|group| &group.tensors).take(100) {
                let mut bytes = 0;
                tensor
                    .for_each_chunk(tensor.dtype(), &mut |chunk: &[u8]| {
                        bytes += chunk.len();
                        Ok::<(), alexnet_spec::Error>(())
                    })
                    .unwrap();
                assert_eq!(bytes, tensor.elements() * tensor.dtype().size());
            }
        }
        Err(error) => assert!(!error.to_string().chars().any(char::is_control), "{error}"),
    }
}

/// The smallest file of each layout, and each hostile one.
fn seeds() -> Vec<Vec<u8>> {
    let fixtures = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../fixtures");
    let pytorch = [
        "lpips.pth",
        "module-legacy.pth",
        "tar.pth",
        "torchscript-script.pt",
        "numpy-protocol2.pkl",
        "zip-deflate.pth",
    ];
    let mut paths: Vec<PathBuf> = pytorch.iter().map(|name| fixtures.join("pytorch").join(name)).collect();
    let hostile = fs::read_dir(fixtures.join("hostile")).unwrap().map(|entry| entry.unwrap().path());
    paths.extend(hostile.filter(|path| path.is_file() && !path.ends_with("module-doubling.pth")));
    paths.push(fixtures.join("cuda-convnet/tiny-python2.pkl"));
    paths.sort();
    paths.iter().map(|path| fs::read(path).unwrap()).collect()
}

/// Found by the changes below: the library that reads tars quotes a number that is none, byte for byte.
#[test]
fn a_damaged_number_in_a_tar_is_quoted_in_print() {
    const CHECKSUM: usize = 148;
    let fixtures = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../fixtures");
    let mut bytes = fs::read(fixtures.join("pytorch/tar.pth")).unwrap();
    bytes[CHECKSUM] = 1;
    let error = open(&Source::from_bytes("random", bytes.clone()), &limits()).unwrap_err().to_string();
    assert!(error.contains("the tar is damaged") && error.contains("\\u{1}"), "{error}");
    ends(bytes);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        ends(bytes);
    }

    #[test]
    fn arbitrary_programs_never_panic(
        program in proptest::collection::vec(
            prop_oneof![
                4 => proptest::sample::select(&b"()]}.NNRbtlda(eous0 12K\x01q\x00h\x00\x85\x86\x87\x88\x81\x8f\x90\x91\x92\x93\x94"[..]).prop_map(|op| vec![op]),
                1 => Just(b"ctorch._utils\n_rebuild_tensor_v2\n".to_vec()),
                1 => Just(b"ccollections\nOrderedDict\n".to_vec()),
                1 => Just(b"cnumpy.core.multiarray\n_reconstruct\n".to_vec()),
                1 => Just(b"ctorch.nn.parameter\nParameter\n".to_vec()),
                1 => Just(b"X\x01\x00\x00\x00a".to_vec()),
                1 => any::<u8>().prop_map(|byte| vec![byte]),
            ],
            0..80,
        ),
    ) {
        let mut bytes = vec![0x80, 2];
        bytes.extend(program.concat());
        bytes.push(b'.');
        ends(bytes);
    }

    #[test]
    fn changed_files_never_panic(
        seed in any::<proptest::sample::Index>(),
        changes in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 1..8),
        cut in proptest::option::of(any::<proptest::sample::Index>()),
    ) {
        let seeds = seeds();
        let mut bytes = seed.get(&seeds).clone();
        if !bytes.is_empty() {
            for (place, byte) in changes {
                let place = place.index(bytes.len());
                bytes[place] = byte;
            }
            if let Some(cut) = cut {
                bytes.truncate(cut.index(bytes.len()));
            }
        }
        ends(bytes);
    }

    #[test]
    fn views_show_the_elements_that_their_strides_say(
        (shape, strides, offset) in (1usize..4).prop_flat_map(|rank| (
            proptest::collection::vec(0usize..4, rank),
            proptest::collection::vec(0usize..6, rank),
            0usize..6,
        )),
    ) {
        let stored = 40usize;
        let reach: usize = shape.iter().zip(&strides).map(|(size, stride)| size.saturating_sub(1) * stride).sum();
        prop_assume!(offset + reach < stored);
        let checkpoint = open(&Source::from_bytes("view.pth", legacy(&shape, &strides, offset, stored)), &limits()).unwrap();
        let found = checkpoint.groups[0].tensors[0].1.to_f32().unwrap();
        // Element (i, j, ...) is the storage's number offset + i * stride of i + j * stride of j + ...; number n holds n.
        let mut expected = vec![offset];
        for (size, stride) in shape.iter().zip(&strides) {
            expected = expected.iter().flat_map(|start| (0..*size).map(move |i| start + i * stride)).collect();
        }
        prop_assert_eq!(found, expected.iter().map(|n| *n as f32).collect::<Vec<_>>());
    }
}

/// A legacy file with one tensor `w` in a storage of 0, 1, 2, ...
fn legacy(shape: &[usize], strides: &[usize], offset: usize, stored: usize) -> Vec<u8> {
    let numbers = |numbers: &[usize]| {
        let items: Vec<u8> = numbers.iter().flat_map(|n| [b'K', *n as u8]).collect();
        [b"(", items.as_slice(), b"t"].concat()
    };
    let pickle = |body: &[u8]| [&[0x80, 2], body, b"."].concat();
    let text = |text: &str| [&b"X"[..], &(text.len() as u32).to_le_bytes(), text.as_bytes()].concat();
    let storage = [
        &b"("[..],
        &text("storage"),
        b"ctorch\nFloatStorage\n",
        &text("0"),
        &text("cpu"),
        &[b'K', stored as u8],
        b"tQ",
    ]
    .concat();
    let tensor = [
        &b"ctorch._utils\n_rebuild_tensor_v2\n("[..],
        &storage,
        &[b'K', offset as u8],
        &numbers(shape),
        &numbers(strides),
        b"\x89ccollections\nOrderedDict\n)Rt",
        b"R",
    ]
    .concat();
    let mut file = pickle(b"\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19");
    file.extend(pickle(b"M\xe9\x03"));
    file.extend(pickle(b"}"));
    file.extend(pickle(&[&b"}"[..], &text("w"), &tensor, b"s"].concat()));
    file.extend(pickle(&[&b"]"[..], &text("0"), b"a"].concat()));
    file.extend((stored as u64).to_le_bytes());
    file.extend((0..stored).flat_map(|n| (n as f32).to_le_bytes()));
    file
}

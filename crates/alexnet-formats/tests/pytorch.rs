//! Files that PyTorch and NumPy wrote, against what they read from them themselves (`expected/make.py`).

use alexnet_formats::{Attribute, Checkpoint, Limits, Result, Source, open};
use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

fn fixture(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/pytorch").join(name)
}

fn read(name: &str) -> Result<Checkpoint> {
    let limits = Limits::default();
    open(&Source::open(fixture(name), &limits)?, &limits)
}

/// Every tensor of the checkpoint as `tensors.tsv` has it.
fn lines(checkpoint: &Checkpoint) -> Vec<String> {
    let tensors = checkpoint
        .groups
        .iter()
        .flat_map(|group| group.tensors.iter().map(move |(name, tensor)| (group, name, tensor)));
    tensors
        .map(|(group, name, tensor)| {
            let shape: Vec<String> = tensor.shape().iter().map(usize::to_string).collect();
            let crc = crc32fast::hash(&tensor.to_bytes());
            format!("{}\t{name}\t{}\t{}\t{crc:08x}", group.key, tensor.dtype(), shape.join("x"))
        })
        .collect()
}

#[test]
fn every_layout_holds_what_pytorch_reads_from_it() {
    let mut expected: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for line in include_str!("expected/tensors.tsv").lines() {
        let (file, tensor) = line.split_once('\t').unwrap();
        expected.entry(file).or_default().push(tensor);
    }
    assert!(expected.len() >= 50, "tensors.tsv is incomplete");
    let mut faults = Vec::new();
    for (file, expected) in expected {
        match read(file) {
            Ok(checkpoint) => {
                let mut found = lines(&checkpoint);
                found.sort();
                let mut expected = expected;
                expected.sort();
                if found != expected {
                    faults.push(format!("{file}: {found:#?} instead of {expected:#?}"));
                }
            }
            Err(error) => faults.push(error.to_string()),
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn every_fixture_is_compared() {
    let listed = include_str!("expected/tensors.tsv");
    for entry in fs::read_dir(fixture("")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let without_tensors = matches!(name.as_str(), "empty.pth" | "history.pth");
        assert_ne!(without_tensors, listed.lines().any(|line| line.split('\t').next() == Some(&name)), "{name}");
    }
}

#[test]
fn layouts_are_told_apart_by_content() {
    let cases = [
        ("zip.pth", "pytorch-zip"),
        ("zip64.pth", "pytorch-zip"),
        ("places365.pth.tar", "pytorch-legacy"),
        ("legacy-python2.pth", "pytorch-legacy"),
        ("tar.pth", "pytorch-tar"),
        ("torchscript-script.pt", "torchscript"),
        ("module.pth", "pytorch-zip"),
        ("numpy-protocol2.pkl", "pickle"),
    ];
    for (name, format) in cases {
        assert_eq!(read(name).unwrap().format, format, "{name}");
    }
}

#[test]
fn tensors_are_slices_of_the_file() {
    let limits = Limits::default();
    for name in ["zip.pth", "legacy.pth", "tar.pth", "shared-storage.pth", "strided.pth", "numpy.pkl"] {
        let source = Source::open(fixture(name), &limits).unwrap();
        let checkpoint = open(&source, &limits).unwrap();
        let map = source.bytes().as_ptr_range();
        for (tensor_name, tensor) in &checkpoint.groups[0].tensors {
            // A view that isn't contiguous shows no bytes; its rows reversed and permuted do, where it is channels-last.
            let Some(bytes) = tensor.as_contiguous() else { continue };
            assert!(map.contains(&bytes.as_ptr()), "{name}: {tensor_name} was copied");
        }
    }
}

#[test]
fn a_whole_module_lists_its_modules_with_their_attributes() {
    for name in ["module.pth", "module-legacy.pth"] {
        let checkpoint = read(name).unwrap();
        let modules = &checkpoint.groups[0].modules;
        assert_eq!(modules[0].path, "", "{name}");
        let conv = modules.iter().find(|module| module.path == "features.0").unwrap();
        assert_eq!(conv.class, "torch.nn.modules.conv.Conv2d", "{name}");
        let attribute =
            |name: &str| conv.attributes.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone());
        // torchvision's first convolution: 11x11, stride 4, padding 2.
        let pair = |n| Some(Attribute::List(vec![Attribute::Int(n), Attribute::Int(n)]));
        assert_eq!(attribute("kernel_size"), pair(11));
        assert_eq!(attribute("stride"), pair(4));
        assert_eq!(attribute("padding"), pair(2));
        assert_eq!(attribute("groups"), Some(Attribute::Int(1)));
        assert_eq!(attribute("padding_mode"), Some(Attribute::Text("zeros".into())));
        assert_eq!(attribute("_parameters"), None);
        let paths: Vec<&str> = modules.iter().map(|module| module.path.as_str()).collect();
        assert_eq!(paths[1..5], ["features", "features.0", "features.1", "features.2"], "{name}");
    }
}

#[test]
fn what_isnt_plain_numbers_is_listed_apart_with_what_to_do() {
    let cases = [
        ("sparse.pth", "sparse; try saving it after .to_dense()"),
        ("meta.pth", "on the meta device and has no values"),
        ("complex.pth", "of type complex64"),
    ];
    for (name, reason) in cases {
        let checkpoint = read(name).unwrap();
        let group = &checkpoint.groups[0];
        assert_eq!(group.unreadable.len(), 1, "{name}");
        assert_eq!(group.unreadable[0].name, "classifier.1.weight", "{name}");
        assert!(group.unreadable[0].reason.starts_with(reason), "{name}: {}", group.unreadable[0].reason);
        assert!(group.get("classifier.1.weight").is_none(), "{name}");
    }
}

#[test]
fn a_zip_around_a_checkpoint_is_opened() {
    let inner = fs::read(fixture("legacy.pth")).unwrap();
    let limits = Limits::default();
    let source =
        Source::from_bytes("alexnet.pth.zip", stored_zip(&[("__MACOSX/._alexnet.pth", b"x"), ("alexnet.pth", &inner)]));
    let checkpoint = open(&source, &limits).unwrap();
    assert_eq!(lines(&checkpoint), lines(&read("legacy.pth").unwrap()));
}

/// A zip of stored members, put together by APPNOTE.
fn stored_zip(members: &[(&str, &[u8])]) -> Vec<u8> {
    let (mut out, mut directory) = (Vec::new(), Vec::new());
    for (name, content) in members {
        let mut facts = vec![0; 8];
        facts.extend_from_slice(&crc32fast::hash(content).to_le_bytes());
        facts.extend_from_slice(&(content.len() as u32).to_le_bytes());
        facts.extend_from_slice(&(content.len() as u32).to_le_bytes());
        facts.extend_from_slice(&(name.len() as u16).to_le_bytes());
        facts.extend_from_slice(&[0; 2]);
        let offset = out.len() as u32;
        out.extend_from_slice(b"PK\x03\x04\x14\0");
        out.extend_from_slice(&facts);
        out.extend_from_slice(name.as_bytes());
        out.extend_from_slice(content);
        directory.extend_from_slice(b"PK\x01\x02\x14\0\x14\0");
        directory.extend_from_slice(&facts);
        directory.extend_from_slice(&[0; 10]);
        directory.extend_from_slice(&offset.to_le_bytes());
        directory.extend_from_slice(name.as_bytes());
    }
    let start = out.len() as u32;
    out.extend_from_slice(&directory);
    out.extend_from_slice(b"PK\x05\x06\0\0\0\0");
    out.extend_from_slice(&[(members.len() as u16).to_le_bytes(); 2].concat());
    out.extend_from_slice(&(directory.len() as u32).to_le_bytes());
    out.extend_from_slice(&start.to_le_bytes());
    out.extend_from_slice(&[0; 2]);
    out
}

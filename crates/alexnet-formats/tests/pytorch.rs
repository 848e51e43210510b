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
    assert!(expected.len() >= 48, "tensors.tsv is incomplete");
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

/// A legacy file around the pickle of one object, with a storage `0` of 1 to 6 as f32.
fn legacy(body: &[u8]) -> Vec<u8> {
    legacy_with(body, 6)
}

/// The same, where the storage is said to have `count` elements.
fn legacy_with(body: &[u8], count: u64) -> Vec<u8> {
    let mut file = Vec::new();
    for part in [&b"\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19"[..], b"M\xe9\x03", b"}", body, b"]U\x010a"] {
        file.extend([&[0x80, 2], part, b"."].concat());
    }
    file.extend(count.to_le_bytes());
    file.extend((1..=6).flat_map(|n| (n as f32).to_le_bytes()));
    file
}

#[test]
fn tensors_and_parameters_of_every_age_are_tensors() {
    // Each is row 1 of [[1, 2, 3], [4, 5, 6]]: offset 3, size [3], stride [1].
    let storage = &b"(U\x07storagectorch\nFloatStorage\nU\x010U\x03cpuK\x06NtQ"[..];
    let view = &b"K\x03K\x03\x85K\x01\x85"[..];
    let hooks = &b"\x89ccollections\nOrderedDict\n)R"[..];
    let v0 = [b"ctorch._utils\n_rebuild_tensor\n(", storage, b"K\x00", &view[2..], b"tR"].concat();
    let v1 = [b"ctorch._utils\n_rebuild_tensor\n(", storage, view, b"tR"].concat();
    let v2 = [b"ctorch._utils\n_rebuild_tensor_v2\n(", storage, view, hooks, b"tR"].concat();
    let cases = [
        ("_rebuild_tensor", v1.clone()),
        ("_rebuild_tensor_v2", v2.clone()),
        (
            "_rebuild_tensor_v2 with metadata",
            [b"ctorch._utils\n_rebuild_tensor_v2\n(", storage, view, hooks, b"}tR"].concat(),
        ),
        (
            "_rebuild_tensor_v3",
            [
                b"ctorch._utils\n_rebuild_tensor_v3\n(",
                &b"(U\x07storagectorch.storage\nUntypedStorage\nU\x010U\x03cpuK\x18NtQ"[..],
                view,
                hooks,
                b"ctorch\nfloat32\ntR",
            ]
            .concat(),
        ),
        ("_rebuild_parameter", [b"ctorch._utils\n_rebuild_parameter\n(", &v2[..], hooks, b"tR"].concat()),
        (
            "_rebuild_parameter_with_state",
            [b"ctorch._utils\n_rebuild_parameter_with_state\n(", &v2[..], hooks, b"}tR"].concat(),
        ),
        (
            "_rebuild_from_type_v2",
            [
                b"ctorch._tensor\n_rebuild_from_type_v2\n(ctorch._utils\n_rebuild_tensor_v2\nctorch.nn.parameter\nParameter\n(", storage, view, hooks, b"t}tR",
            ]
            .concat(),
        ),
        // 0.1.10 to 0.3: the class is called, and its state set.
        (
            "Parameter of 0.3",
            [b"ctorch.nn.parameter\nParameter\n", &v1[..], b"\x85R", &hooks[..1], b"\x89", &hooks[1..], b"\x87b"]
                .concat(),
        ),
        (
            "Variable of 0.2",
            [
                b"ctorch.autograd.variable\nVariable\n",
                &v1[..],
                b"\x85\x81",
                &hooks[..1],
                b"\x89",
                &hooks[1..],
                b"\x87b",
            ]
            .concat(),
        ),
        // Older: made empty, then `__setstate__` with five or four values.
        ("Parameter.__setstate__", [b"ctorch.nn.parameter\nParameter\n)\x81(", &v1[..], b"NN\x88\x89tb"].concat()),
        ("Variable.__setstate__ of one with other data", [b"ctorch.nn.parameter\nParameter\n", &v0[..], b"\x85R(", &v1[..], b"NN\x88\x89tb"].concat()),
        ("Tensor.__setstate__", [b"ctorch\nFloatTensor\n)\x81(", storage, view, b"tb"].concat()),
        ("cuda Tensor.__setstate__", [b"ctorch.cuda\nFloatTensor\n)\x81(", storage, view, b"tb"].concat()),
    ];
    let mut faults = Vec::new();
    for (name, pickle) in cases {
        // An untyped storage counts bytes.
        let count = if name == "_rebuild_tensor_v3" { 24 } else { 6 };
        let file = legacy_with(&[b"}U\x01w", &pickle[..], b"s"].concat(), count);
        match open(&Source::from_bytes(name, file), &Limits::default()) {
            Ok(checkpoint) => {
                let found = checkpoint.groups[0].get("w").map(|tensor| tensor.to_f32().unwrap());
                if found.as_deref() != Some(&[4.0, 5.0, 6.0]) {
                    faults.push(format!("{name}: {found:?}"));
                }
            }
            Err(error) => faults.push(error.to_string()),
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// `torch.view_as_complex(x).conj().imag` saves `x`'s bytes and says beside them that each is to be negated.
#[test]
fn a_view_whose_elements_are_still_to_be_negated_is_refused() {
    let storage = &b"(U\x07storagectorch\nFloatStorage\nU\x010U\x03cpuK\x06NtQ"[..];
    let view = &b"K\x03K\x03\x85K\x01\x85"[..];
    let hooks = &b"\x89ccollections\nOrderedDict\n)R"[..];
    let saved = |metadata: &[u8]| {
        let tensor = [b"ctorch._utils\n_rebuild_tensor_v2\n(", storage, view, hooks, metadata, b"tR"].concat();
        let file = legacy(&[b"}U\x01w", &tensor[..], b"s"].concat());
        open(&Source::from_bytes("views.pth", file), &Limits::default())
    };
    assert!(saved(b"}U\x03neg\x89s").unwrap().groups[0].get("w").is_some());
    let seen = saved(b"}U\x03neg\x88s").map(|checkpoint| checkpoint.groups[0].unreadable[0].reason.clone());
    let reason = seen.unwrap_or_else(|error| error.to_string());
    assert!(reason.contains("`neg` bit") && reason.contains(".resolve_neg()"), "{reason}");
}

#[test]
fn a_pickled_tensor_brings_its_storage_along() {
    // pickle.dumps({'w': tensor}): the storage is a legacy file of its own within.
    let storage = legacy(b"(U\x07storagectorch\nFloatStorage\nU\x010U\x03cpuK\x06NtQ");
    let pickle = [
        &b"\x80\x02}U\x01wctorch._utils\n_rebuild_tensor_v2\n(ctorch.storage\n_load_from_bytes\nB"[..],
        &(storage.len() as u32).to_le_bytes(),
        &storage,
        b"\x85RK\x00K\x02K\x03\x86K\x03K\x01\x86\x89ccollections\nOrderedDict\n)RtRs.",
    ]
    .concat();
    let checkpoint = open(&Source::from_bytes("dump.pkl", pickle), &Limits::default()).unwrap();
    assert_eq!(checkpoint.format, "pickle");
    let tensor = checkpoint.groups[0].get("w").unwrap();
    assert_eq!(tensor.shape(), [2, 3]);
    assert_eq!(tensor.to_f32().unwrap(), [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
}

#[test]
fn an_object_that_several_keys_name_is_listed_once_under_the_shortest_path() {
    // {'a': {'b': x}, 'c': x} with x = {'w': tensor}
    let tensor = b"ctorch._utils\n_rebuild_tensor\n((U\x07storagectorch\nFloatStorage\nU\x010U\x03cpuK\x06NtQK\x00K\x06\x85K\x01\x85tR";
    let body = [&b"}(U\x01a}U\x01b}U\x01w"[..], tensor, b"sq\x01sU\x01ch\x01u"].concat();
    let checkpoint = open(&Source::from_bytes("aliases.pth", legacy(&body)), &Limits::default()).unwrap();
    let keys: Vec<&str> = checkpoint.groups.iter().map(|group| group.key.as_str()).collect();
    assert_eq!(keys, ["c"]);
}

#[test]
fn keys_that_are_written_alike_are_refused() {
    // {0: tensor, '0': tensor}
    let tensor = b"ctorch._utils\n_rebuild_tensor\n((U\x07storagectorch\nFloatStorage\nU\x010U\x03cpuK\x06NtQK\x00K\x06\x85K\x01\x85tR";
    let body = [&b"}(K\x00"[..], tensor, b"U\x010", tensor, b"u"].concat();
    let error = open(&Source::from_bytes("alike.pth", legacy(&body)), &Limits::default()).unwrap_err();
    assert!(error.to_string().contains("the root: there are two tensors `0`"), "{error}");
}

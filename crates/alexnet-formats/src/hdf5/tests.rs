//! Against files that h5py wrote: `fixtures/make/hdf5.py` puts the same objects into each.

use super::*;
use crate::{Limits, Source};
use alexnet_spec::{DType, Tensor};
use bytes::Bytes;

const FILES: [&str; 2] = ["earliest", "userblock"];

fn bytes(name: &str) -> Bytes {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/hdf5");
    Source::open(format!("{folder}/{name}.h5"), &Limits::default()).unwrap().bytes()
}

fn file(name: &str) -> File {
    File::open(bytes(name), &Limits::default()).unwrap()
}

fn get<'f>(file: &'f File, path: &str) -> Object<'f> {
    file.root().unwrap().get(path).unwrap().unwrap_or_else(|| panic!("no {path}"))
}

fn tensor(file: &File, path: &str) -> Tensor {
    get(file, path).data().unwrap_or_else(|e| panic!("{path}: {e}")).tensor().unwrap()
}

fn floats(tensor: &Tensor) -> Vec<f64> {
    let bytes = tensor.to_bytes();
    let elements = bytes.chunks_exact(tensor.dtype().size());
    elements
        .map(|e| match tensor.dtype() {
            DType::F64 => f64::from_le_bytes(e.try_into().unwrap()),
            DType::F32 => f32::from_le_bytes(e.try_into().unwrap()).into(),
            DType::F16 => half::f16::from_le_bytes(e.try_into().unwrap()).to_f64(),
            DType::I64 => i64::from_le_bytes(e.try_into().unwrap()) as f64,
            DType::I32 => i32::from_le_bytes(e.try_into().unwrap()).into(),
            DType::I16 => i16::from_le_bytes(e.try_into().unwrap()).into(),
            DType::I8 => (e[0] as i8).into(),
            _ => e[0].into(),
        })
        .collect()
}

fn counting(count: usize) -> Vec<f64> {
    (0..count).map(|n| n as f64).collect()
}

#[test]
fn every_number_of_every_layout_is_read() {
    for name in FILES {
        let file = file(name);
        let cases = [
            ("plain/f2-le", DType::F16),
            ("plain/f4-le", DType::F32),
            ("plain/f8-le", DType::F64),
            ("plain/f4-be", DType::F32),
            ("plain/f8-be", DType::F64),
            ("plain/i1-le", DType::I8),
            ("plain/i2-le", DType::I16),
            ("plain/i2-be", DType::I16),
            ("plain/i4-le", DType::I32),
            ("plain/i8-le", DType::I64),
            ("plain/u1-le", DType::U8),
            ("plain/compact", DType::F32),
            ("chunked/raw", DType::F32),
            ("chunked/whole", DType::F32),
            ("chunked/whole-gzip", DType::F32),
            ("chunked/gzip", DType::F32),
            ("chunked/all", DType::F32),
        ];
        for (path, dtype) in cases {
            let tensor = tensor(&file, path);
            assert_eq!((tensor.dtype(), tensor.shape()), (dtype, &[5, 7][..]), "{name} {path}");
            assert_eq!(floats(&tensor), counting(35), "{name} {path}");
        }
        let cube = tensor(&file, "chunked/cube");
        assert_eq!((cube.shape(), floats(&cube)), (&[3, 4, 5][..], counting(60)), "{name}");
        let truth = tensor(&file, "plain/b1-le");
        assert_eq!((truth.dtype(), truth.to_bytes().iter().map(|b| *b as usize).sum::<usize>()), (DType::Bool, 34));
        let scalar = tensor(&file, "plain/scalar");
        assert_eq!((scalar.shape(), floats(&scalar)), (&[][..], vec![2.5]), "{name}");
        assert_eq!(tensor(&file, "plain/empty").shape(), [0, 3], "{name}");
        let unsigned = get(&file, "plain/u2-le").data().unwrap();
        assert_eq!(unsigned.integers().unwrap(), (0..35).collect::<Vec<i64>>(), "{name}");
        let error = unsigned.tensor().unwrap_err().to_string();
        assert_eq!(error, "unsigned integers of 2 bytes where a tensor should be", "{name}");
    }
}

#[test]
fn what_lies_in_order_is_a_view_of_the_file() {
    for name in FILES {
        let bytes = bytes(name);
        let within = bytes.as_ptr_range();
        let file = File::open(bytes.clone(), &Limits::default()).unwrap();
        for path in ["plain/f4-le", "plain/compact", "chunked/whole"] {
            let elements = tensor(&file, path).as_contiguous().unwrap();
            assert!(within.contains(&elements.as_ptr()), "{name} {path} was copied");
        }
    }
}

#[test]
fn texts_and_references_are_followed() {
    for name in FILES {
        let file = file(name);
        let texts = |path: &str| get(&file, path).data().unwrap().texts().unwrap();
        assert_eq!(texts("texts/fixed"), ["conv1", "fc"], "{name}");
        assert_eq!(texts("texts/variable"), ["conv1", "ü"], "{name}");
        assert_eq!(get(&file, "texts/one").data().unwrap().text().unwrap(), "relu", "{name}");
        let references = get(&file, "refs").data().unwrap().references().unwrap();
        let addresses = ["plain/f4-le", "chunked"].map(|path| Some(get(&file, path).address()));
        assert_eq!(references, [addresses[0], addresses[1], None], "{name}");
    }
}

#[test]
fn attributes_are_read_by_name() {
    for name in FILES {
        let file = file(name);
        let root = file.root().unwrap();
        let attribute = |name: &str| root.attribute(name).unwrap().unwrap();
        assert_eq!(attribute("fixed").text().unwrap(), "theano", "{name}");
        assert_eq!(attribute("variable").text().unwrap(), "Größe", "{name}");
        assert_eq!(attribute("names").texts().unwrap(), ["conv_1", "dense_12"], "{name}");
        assert_eq!(attribute("variable_names").texts().unwrap(), ["conv_1", "dense_12"], "{name}");
        assert_eq!(attribute("number").integers().unwrap(), [-7], "{name}");
        assert_eq!(floats(&attribute("numbers").tensor().unwrap()), [0.5, 1.5], "{name}");
        assert!(root.attribute("nothing").unwrap().is_none(), "{name}");
        assert!(root.attribute("missing").unwrap().is_none(), "{name}");
        let many = get(&file, "many");
        for index in 0..40 {
            let number = many.attribute(&format!("a{index}")).unwrap().unwrap();
            assert_eq!(number.integers().unwrap(), [index], "{name}");
        }
    }
}

#[test]
fn a_walk_meets_every_dataset_and_no_group_twice() {
    for name in FILES {
        let file = file(name);
        let datasets = file.root().unwrap().datasets().unwrap();
        let paths: Vec<&str> = datasets.iter().map(|(path, _)| path.as_str()).collect();
        assert_eq!(paths.iter().filter(|path| path.starts_with("many/layer_")).count(), 40, "{name}");
        assert!(paths.contains(&"again") && paths.contains(&"plain/f4-le"), "{name}: {paths:?}");
        assert!(!paths.iter().any(|path| path.starts_with("chunked/up")), "{name}");
        assert_eq!(paths.len(), 40 + 16 + 6 + 3 + 2, "{name}: {paths:?}");
    }
}

#[test]
fn links_that_are_not_hard_are_refused_where_they_are_needed() {
    let file = file("earliest");
    let error = file.root().unwrap().get("soft").unwrap_err().to_string();
    assert!(error.starts_with("`soft` is a soft or external link"), "{error}");
    assert!(file.root().unwrap().get("plain/missing").unwrap().is_none());
}

#[test]
fn what_is_decompressed_and_parsed_is_counted_over_the_whole_file() {
    let limits = Limits { decompressed_bytes: 1000, ..Limits::default() };
    let file = File::open(bytes("earliest"), &limits).unwrap();
    let read = |path: &str| get(&file, path).data().map(|_| ());
    read("chunked/whole-gzip").unwrap();
    read("chunked/whole-gzip").unwrap();
    let error = (0..9).find_map(|_| read("chunked/whole-gzip").err()).unwrap().to_string();
    assert!(error.contains("limit `decompressed_bytes` of 1000"), "{error}");

    let limits = Limits { objects: 200, ..Limits::default() };
    let file = File::open(bytes("earliest"), &limits).unwrap();
    let error = file.root().unwrap().datasets().unwrap_err().to_string();
    assert!(error.contains("limit `objects` of 200"), "{error}");
}

#[test]
fn a_file_cut_anywhere_or_changed_anywhere_never_panics() {
    let limits = Limits { objects: 5000, decompressed_bytes: 1 << 20, ..Limits::default() };
    let look = |bytes: Bytes| {
        let Ok(file) = File::open(bytes, &limits) else { return };
        let Ok(datasets) = file.root().and_then(|root| root.datasets()) else { return };
        for (_, dataset) in datasets {
            let _ = dataset.data().map(|data| (data.tensor().is_ok(), data.texts().is_ok(), data.integers().is_ok()));
            let _ = dataset.attribute("fixed");
        }
    };
    for name in FILES {
        let whole = bytes(name);
        for length in (0..whole.len()).step_by(97) {
            look(whole.slice(..length));
        }
        for at in (0..whole.len()).step_by(13) {
            let mut changed = whole.to_vec();
            changed[at] ^= [0x01, 0x80, 0xff][at % 3];
            look(changed.into());
        }
    }
}

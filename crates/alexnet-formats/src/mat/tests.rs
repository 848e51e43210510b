use super::*;
use crate::Kind;
use alexnet_spec::DType;
use bytes::Bytes;
use flate2::Compression;
use flate2::write::ZlibEncoder;
use std::io::Write;

/// An element of the format's type `kind`, with its padding.
fn element(kind: u32, data: &[u8]) -> Vec<u8> {
    let padding = vec![0; data.len().next_multiple_of(8) - data.len()];
    [&kind.to_le_bytes()[..], &(data.len() as u32).to_le_bytes(), data, &padding].concat()
}

/// What every array begins with.
fn head(class: u32, flags: u32, shape: &[i32], name: &str) -> Vec<u8> {
    let shape: Vec<u8> = shape.iter().flat_map(|size| size.to_le_bytes()).collect();
    let flags = [(flags << 8 | class).to_le_bytes(), [0; 4]].concat();
    [element(6, &flags), element(5, &shape), element(1, name.as_bytes())].concat()
}

fn array(class: u32, shape: &[i32], name: &str, content: &[u8]) -> Vec<u8> {
    element(14, &[head(class, 0, shape, name), content.to_vec()].concat())
}

fn doubles(shape: &[i32], name: &str, numbers: &[f64]) -> Vec<u8> {
    let bytes: Vec<u8> = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
    array(6, shape, name, &element(9, &bytes))
}

fn file(variables: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = b"MATLAB 5.0 MAT-file".to_vec();
    bytes.resize(124, b' ');
    bytes.extend(b"\0\x01IM");
    bytes.extend(variables.concat());
    bytes
}

fn compressed(variable: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(variable).unwrap();
    let packed = encoder.finish().unwrap();
    [&15u32.to_le_bytes()[..], &(packed.len() as u32).to_le_bytes(), &packed].concat()
}

fn read_with(bytes: impl Into<Bytes>, limits: &Limits) -> Result<Vec<(String, Value)>> {
    read(&Source::from_bytes("a.mat", bytes.into()), limits)
}

fn read_one(variable: Vec<u8>) -> Result<Value> {
    read_with(file(&[variable]), &Limits::default()).map(|mut variables| variables.remove(0).1)
}

fn refusal(variable: Vec<u8>) -> String {
    let error = read_one(variable).expect_err("this is damaged");
    assert_eq!(error.kind(), Kind::Malformed, "{error}");
    error.to_string()
}

#[test]
fn numbers_are_views_of_the_file_column_by_column() {
    let bytes = Bytes::from(file(&[doubles(&[2, 3], "x", &[1., 2., 3., 4., 5., 6.])]));
    let variables = read_with(bytes.clone(), &Limits::default()).unwrap();
    let [(name, Value::Numbers(tensor))] = &variables[..] else { panic!("{variables:?}") };
    assert_eq!((name.as_str(), tensor.dtype(), tensor.shape()), ("x", DType::F64, &[2, 3][..]));
    assert_eq!(tensor.to_f32().unwrap(), [1., 3., 5., 2., 4., 6.]);
    let columns = tensor.permute(&[1, 0]).unwrap().as_contiguous().unwrap();
    assert!(bytes.as_ptr_range().contains(&columns.as_ptr()), "copied");
}

#[test]
fn a_compressed_variable_is_the_same() {
    let bytes = file(&[compressed(&doubles(&[1, 2], "a", &[7., 8.])), doubles(&[1, 1], "b", &[9.])]);
    let variables = read_with(bytes, &Limits::default()).unwrap();
    let numbers: Vec<_> = variables.iter().map(|(name, value)| (name.as_str(), value.numbers(9).unwrap())).collect();
    assert_eq!(numbers, [("a", vec![7., 8.]), ("b", vec![9.])]);
}

/// MATLAB stores numbers in the smallest type that holds them.
#[test]
fn numbers_in_a_smaller_type_are_of_their_class() {
    type Case<'a> = (u32, u32, u32, &'a [u8], DType, Vec<f64>);
    let cases: [Case; 8] = [
        (6, 0, 1, &[0xff, 2], DType::F64, vec![-1., 2.]),
        (7, 0, 2, &[0xff, 2], DType::F32, vec![255., 2.]),
        (7, 0, 3, &[0xfe, 0xff, 1, 0], DType::F32, vec![-2., 1.]),
        (6, 0, 4, &[0xfe, 0xff, 1, 0], DType::F64, vec![65534., 1.]),
        (12, 0, 2, &[3, 4], DType::I32, vec![3., 4.]),
        (11, 0, 4, &[0xff, 0xff, 4, 0], DType::I32, vec![65535., 4.]),
        (13, 0, 6, &[0xff, 0xff, 0xff, 0xff, 4, 0, 0, 0], DType::I64, vec![4294967295., 4.]),
        (9, 2, 2, &[0, 2], DType::Bool, vec![0., 1.]),
    ];
    for (class, flags, stored, bytes, dtype, numbers) in cases {
        let variable = element(14, &[head(class, flags, &[1, 2], "x"), element(stored, bytes)].concat());
        let value = read_one(variable).unwrap();
        let Value::Numbers(tensor) = &value else { panic!("{value:?}") };
        assert_eq!((tensor.dtype(), value.numbers(2).unwrap()), (dtype, numbers), "class {class} as {stored}");
    }
}

#[test]
fn big_endian_numbers_are_turned() {
    let be = |kind: u32, data: &[u8]| [&kind.to_be_bytes()[..], &(data.len() as u32).to_be_bytes(), data].concat();
    let array = [be(6, &[0, 0, 0, 7, 0, 0, 0, 0]), be(5, &[0, 0, 0, 1, 0, 0, 0, 2])].concat();
    // The name is a small element: its length comes before its type.
    let array = [array, vec![0, 1, 0, 1, b'x', 0, 0, 0], be(7, &[0x3f, 0x80, 0, 0, 0xc0, 0, 0, 0])].concat();
    let mut bytes = file(&[]);
    bytes[124..].copy_from_slice(b"\x01\0MI");
    bytes.extend(be(14, &array));
    let variables = read_with(bytes, &Limits::default()).unwrap();
    assert_eq!((variables[0].0.as_str(), variables[0].1.numbers(2).unwrap()), ("x", vec![1., -2.]));
}

#[test]
fn text_comes_in_every_encoding() {
    type Case<'a> = (u32, &'a [i32], &'a [u8], &'a [&'a str]);
    let cases: [Case; 6] = [
        (16, &[1, 4], b"conv", &["conv"]),
        (4, &[1, 2], &[0xe9, 0, b'a', 0], &["\u{e9}a"]),
        (17, &[1, 2], &[0x3d, 0xd8, 0, 0xde], &["\u{1f600}"]),
        (16, &[1, 2], "\u{e9}a".as_bytes(), &["\u{e9}a"]),
        (2, &[2, 3], b"adbecf", &["abc", "def"]),
        (4, &[0, 0], b"", &[]),
    ];
    for (kind, shape, bytes, rows) in cases {
        let value = read_one(array(4, shape, "t", &element(kind, bytes))).unwrap();
        let Value::Text(found) = &value else { panic!("{value:?}") };
        assert_eq!(found, rows);
    }
}

#[test]
fn cells_and_structures_are_a_tree() {
    let cell = array(1, &[1, 2], "", &[doubles(&[1, 1], "", &[3.]), element(14, &[])].concat());
    let names = [&b"type\0\0\0\0"[..], b"weights\0"].concat();
    let text = array(4, &[1, 4], "", &element(16, b"conv"));
    let content = [element(5, &8i32.to_le_bytes()), element(1, &names), text, cell].concat();
    let value = read_one(array(2, &[1, 1], "layer", &content)).unwrap();
    assert_eq!(value.field("type").unwrap().text(), Some("conv"));
    let Some(Value::Cell(cell)) = value.field("weights") else { panic!("{value:?}") };
    assert_eq!(cell.items[0].numbers(1), Some(vec![3.]));
    assert!(cell.items[1].is_empty());
    assert!(value.field("pad").is_none());
}

#[test]
fn what_only_matlab_reads_is_named() {
    let opaque = [element(6, &[17, 0, 0, 0, 0, 0, 0, 0]), element(1, b"net"), element(1, b"MCOS")].concat();
    let opaque = element(14, &[opaque, element(1, b"SeriesNetwork"), doubles(&[1, 1], "", &[0.])].concat());
    let complex = element(14, &[head(6, 8, &[1, 1], "z"), element(9, &[0; 8]), element(9, &[0; 8])].concat());
    let cases = [
        (opaque, "an object of class `SeriesNetwork`"),
        (array(3, &[1, 1], "o", &element(1, b"inline")), "an object of class `inline`"),
        (array(5, &[2, 2], "s", &[]), "a sparse matrix"),
        (array(16, &[1, 1], "f", &[]), "a function handle"),
        (complex, "an array of complex numbers"),
    ];
    for (variable, what) in cases {
        let value = read_one(variable).unwrap();
        assert_eq!(value.describe(), what);
    }
}

#[test]
fn what_contradicts_itself_is_malformed() {
    let fields = |length: i32, names: &[u8]| [element(5, &length.to_le_bytes()), element(1, names)].concat();
    let cases = [
        (doubles(&[2, 2], "x", &[1., 2., 3.]), "4 numbers of 8 bytes each, but there are 24 bytes"),
        (doubles(&[i32::MAX, i32::MAX, i32::MAX, i32::MAX], "x", &[1.]), "overflow"),
        (doubles(&[-1, 1], "x", &[1.]), "a negative dimension"),
        (doubles(&[1], "x", &[1.]), "an array of 1 dimensions"),
        (array(6, &[1, 1], "x", &element(16, b"12345678")), "numbers in an element of type 16"),
        (array(7, &[1, 1], "x", &element(9, &[0; 4])), "1 numbers of 8 bytes each, but there are 4"),
        (array(1, &[1 << 20, 1 << 10], "c", &element(14, &[])), "1073741824 cells, but 8 bytes are left"),
        (array(2, &[1, 1], "s", &fields(0, b"ab")), "2 bytes of names of 0 each"),
        (array(2, &[1, 1], "s", &fields(2, b"a\0a\0")), "has the field `a` twice"),
        (array(2, &[1 << 9, 1 << 9], "s", &fields(2, b"a\0")), "262144 fields, but 0 bytes are left"),
        (array(99, &[1, 1], "x", &[]), "the unknown class 99"),
        (array(4, &[1, 3], "t", &element(4, &[1, 0])), "a text of 3 characters, but there are 1"),
        (element(9, &[0; 8]), "an element of type 9 where a variable should be"),
        ([14u32.to_le_bytes(), 80u32.to_le_bytes()].concat(), "a variable of 80 bytes, but 0 are left"),
        ([15u32.to_le_bytes(), 4u32.to_le_bytes(), *b"junk"].concat(), "no zlib stream"),
    ];
    for (variable, says) in cases {
        let message = refusal(variable);
        assert!(message.contains(says), "{message}: should say {says}");
        assert_eq!(message.lines().count(), 1);
    }
}

#[test]
fn a_compressed_variable_is_as_long_as_its_tag_says() {
    for size in [16u32, 80, 4000] {
        let mut variable = doubles(&[1, 4], "x", &[1., 2., 3., 4.]);
        variable[4..8].copy_from_slice(&size.to_le_bytes());
        let message = refusal(compressed(&variable));
        assert!(message.contains("compressed bytes aren't the"), "{size}: {message}");
    }
    let mut variable = doubles(&[1, 4], "x", &[1., 2., 3., 4.]);
    variable[4..8].copy_from_slice(&u32::MAX.to_le_bytes());
    assert!(refusal(compressed(&variable)).contains("can't become"));
}

#[test]
fn a_name_stands_for_one_variable() {
    let bytes = file(&[doubles(&[1, 1], "x", &[1.]), doubles(&[1, 1], "x", &[2.])]);
    let error = read_with(bytes, &Limits::default()).unwrap_err();
    assert!(error.to_string().contains("variable `x` is there twice"), "{error}");
}

#[test]
fn every_limit_is_named() {
    let nested = (0..80).fold(doubles(&[1, 1], "", &[1.]), |inner, _| array(1, &[1, 1], "", &inner));
    let nested = array(1, &[1, 1], "deep", &nested);
    let zeros = compressed(&doubles(&[1, 100_000], "z", &[0.; 100_000]));
    let text = array(4, &[1, 9], "t", &element(16, b"123456789"));
    let all = Limits::default();
    let cases = [
        ("depth", nested, all.clone()),
        ("decompression_ratio", zeros.clone(), all.clone()),
        ("decompressed_bytes", zeros, Limits { decompressed_bytes: 1 << 10, ..all.clone() }),
        (
            "decompressed_bytes",
            array(6, &[1, 64], "x", &element(2, &[1; 64])),
            Limits { decompressed_bytes: 500, ..all.clone() },
        ),
        ("objects", doubles(&[1, 1], "x", &[1.]), Limits { objects: 0, ..all.clone() }),
        ("string_bytes", text, Limits { string_bytes: 8, ..all.clone() }),
        ("name_bytes", doubles(&[1, 1], "long", &[1.]), Limits { name_bytes: 3, ..all.clone() }),
        ("dimensions", doubles(&[1, 1, 1], "x", &[1.]), Limits { dimensions: 2, ..all.clone() }),
    ];
    for (name, variable, limits) in cases {
        let error = read_with(file(&[variable]), &limits).expect_err(name);
        assert_eq!(error.kind(), Kind::Limit, "{name}: {error}");
        assert!(error.to_string().contains(name), "{name}: {error}");
    }
}

/// Structures without fields take no bytes in the file.
#[test]
fn structures_out_of_nothing_are_counted() {
    let content = [element(5, &8i32.to_le_bytes()), element(1, &[])].concat();
    let error = read_one(array(2, &[1 << 15, 1 << 15], "s", &content)).unwrap_err();
    assert!(error.to_string().contains("`objects`"), "{error}");
}

#[test]
fn no_damage_panics() {
    let cell = array(1, &[1, 1], "", &doubles(&[1, 1], "", &[3.]));
    let text = array(4, &[1, 4], "", &element(16, b"conv"));
    let names = [&b"type\0\0\0\0"[..], b"weights\0"].concat();
    let content = [element(5, &8i32.to_le_bytes()), element(1, &names), text, cell].concat();
    let whole = file(&[array(2, &[1, 1], "layer", &content), compressed(&doubles(&[1, 1], "x", &[1.]))]);
    for end in 0..whole.len() {
        let _ = read_with(whole[..end].to_vec(), &Limits::default());
    }
    for at in 124..whole.len() {
        for flip in [1, 0x80, 0xff] {
            let mut damaged = whole.clone();
            damaged[at] ^= flip;
            let _ = read_with(damaged, &Limits::default());
        }
    }
}

#[test]
fn other_files_are_none() {
    let mut four = vec![0; 200];
    four[124..128].copy_from_slice(b"\0\x01IM");
    let mut three = file(&[]);
    three[125] = 3;
    for bytes in [four, three, b"MATLAB 5.0".to_vec(), Vec::new()] {
        assert_eq!(recognise(&Source::from_bytes("a.mat", bytes)), None);
    }
    assert_eq!(recognise(&Source::from_bytes("a.mat", file(&[]))), Some(Version::Five));
}

/// Keras's weights have a root `layers` too.
#[test]
fn a_network_of_version_7_3_is_no_file_of_keras() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/matlab/alex-v73.mat");
    let limits = Limits::default();
    let checkpoint = crate::open(&Source::open(path, &limits).unwrap(), &limits).unwrap();
    assert_eq!((checkpoint.format, checkpoint.graph.map(|graph| graph.dialect)), ("matlab", Some("matconvnet")));
}

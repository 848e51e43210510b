//! Models that nobody should trust: each is refused, with the place and the reason, and none is worth a panic.

mod support;

use alexnet_onnx::{Error, Model, lower};
use bytes::Bytes;
use std::collections::BTreeSet;
use std::io;
use support::*;

/// Every file of `fixtures/hostile/onnx`, and what its error must say.
const FILES: &[(&str, &str)] = &[
    (
        "branch-reads-its-own-result",
        "node `n` (If), then_branch, node `inner` (Relu): reads `y`, which nothing before it computes",
    ),
    ("cycle", "node `first` (Relu): reads `b`, which nothing before it computes"),
    ("data-inline-and-external", "initializer `w`: external data: the model holds data for it as well"),
    ("dimension-negative", "initializer `w`: has a dimension of -2"),
    ("dimensions-overflow", "initializer `w`: shape [4294967296, 4294967296, 2] overflows"),
    ("dimensions-overflow-to-zero", "initializer `w`: shape [4294967296, 4294967296] overflows"),
    ("empty", "model: there is no graph: this is not an ONNX model"),
    ("extents-overlap", "initializer `b`: external data: overlaps `a` in `weights.bin`"),
    ("external-data-unmarked", "initializer `w`: points to external data, which only initializers marked EXTERNAL may"),
    ("field-zero", "byte 2: field number 0"),
    ("function", "function `f`: functions aren't read: try onnx.inliner"),
    ("graph-missing", "model: there is no graph"),
    ("graphs-in-graphs", "messages are nested 25 deep, above the limit of 24"),
    ("group", "byte 2: field 7 has wire type 3"),
    ("initializer-twice", "initializer `w`: there are two of that name"),
    ("initializer-without-a-name", "initializer 0: has no name"),
    ("length-beyond-its-message", "byte 4: field 1 claims 100 bytes, but 0 are left"),
    ("length-enormous", "byte 2: field 7 claims 9223372036854775808 bytes, but 16 are left"),
    ("length-negative", "its length is `-1`, which is no number of bytes"),
    ("length-too-long", "its length is 64 bytes, but [2, 3] of f32 needs 24"),
    ("length-too-short", "its length is 20 bytes, but [2, 3] of f32 needs 24"),
    ("location-absolute", "location `/etc/passwd` is absolute"),
    ("location-backslashes", "has a backslash, a colon or a control character"),
    ("location-drive", "has a backslash, a colon or a control character"),
    ("location-drive-relative", "has a backslash, a colon or a control character"),
    ("location-empty", "location `` is empty"),
    ("location-empty-part", "location `data//weights.bin` has the part ``"),
    ("location-long", "the location is longer than 1024 bytes"),
    ("location-missing", "it has no location"),
    ("location-nul", "location `weights.bin\\0.txt` has a backslash, a colon or a control character"),
    ("location-parent", "location `../weights.bin` has the part `..`"),
    ("location-parent-behind-a-dot", "location `./../weights.bin` has the part `.`"),
    ("location-parent-behind-a-folder", "location `data/../../weights.bin` has the part `..`"),
    ("location-stream", "has a backslash, a colon or a control character"),
    ("location-twice", "there are two entries `location`"),
    ("location-unknown", "initializer `w`: external data: `elsewhere.bin`: entity not found"),
    ("loop", "node `n` (Loop): attribute `body` holds a graph: only If may, not loops"),
    ("metadata-twice", "metadata: two entries are called `k`"),
    ("number-without-end", "byte 1: a number is longer than 64 bits"),
    ("offset-beyond-64-bits", "its offset is `99999999999999999999`, which is no 64-bit number"),
    ("offset-beyond-the-file", "24 bytes from offset 48 on reach beyond `weights.bin`, which has 64"),
    ("offset-hexadecimal", "its offset is `0x8`, which is no number of bytes"),
    ("offset-negative", "its offset is `-24`, which is no number of bytes"),
    ("offset-overflows", "from offset 18446744073709551615 on reach beyond `weights.bin`"),
    ("offset-signed", "its offset is `+8`, which is no number of bytes"),
    ("operator-missing", "node `n` (): has no operator"),
    ("opset-missing", "model: it imports no version of ONNX's operator set"),
    ("opset-negative", "model: it imports opset -1"),
    ("opset-twice", "model: it imports ONNX's operator set twice"),
    ("output-missing", "graph: nothing computes its output `y`"),
    ("output-over-an-input", "node `n` (Relu): computes `x`, which is there already"),
    ("output-twice", "node `second` (Relu): computes `y`, which is there already"),
    ("picture", "this is not an ONNX model, or it is damaged"),
    ("raw-data-missing", "initializer `w`: shape [2, 3] of f32 needs 24 bytes, but raw_data has 0"),
    ("raw-data-of-an-enormous-shape", "initializer `w`: shape [2147483648, 2147483648] overflows"),
    ("raw-data-short", "initializer `w`: shape [2, 3] of f32 needs 24 bytes, but raw_data has 20"),
    ("segment", "initializer `w`: is stored in segments"),
    ("sparse", "graph: sparse initializers aren't read"),
    ("strings", "initializer `w`: holds elements of type string"),
    ("text", "byte 0: field 14 has wire type 6: this is not an ONNX model, or it is damaged"),
    ("text-not-utf-8", "data is not UTF-8 encoded"),
    ("training", "model: it holds training information"),
    ("truncated", "byte 2: field 7 claims 105 bytes, but 104 are left"),
    ("type-unknown", "initializer `w`: holds elements of type float8e4m3fn"),
    ("typed-data-and-raw-data", "initializer `w`: has both raw_data and float_data"),
    ("typed-data-of-another-type", "initializer `w`: is of f32, but its data is int64_data"),
    ("typed-data-out-of-range", "initializer `w`: 70000 in int32_data is no f16"),
    ("typed-data-short", "initializer `w`: shape [2, 3] needs 6 values, but float_data has 5"),
    ("typed-data-twice", "initializer `w`: has both float_data and int32_data"),
    ("types-in-types", "messages are nested 25 deep, above the limit of 24"),
];

/// The one file that lies beside the models.
fn weights(location: &str) -> io::Result<Bytes> {
    match location {
        "weights.bin" => Ok(Bytes::from_static(&[0; 64])),
        "elsewhere.bin" => Err(io::ErrorKind::NotFound.into()),
        other => panic!("`{other}` was to be opened"),
    }
}

#[test]
fn each_incident_is_refused_with_its_reason() {
    let mut failures = Vec::new();
    for (name, says) in FILES {
        let bytes = std::fs::read(fixture(&format!("hostile/onnx/{name}.onnx"))).unwrap();
        match Model::decode(bytes.into(), &mut weights) {
            Ok(_) => failures.push(format!("{name} was read")),
            Err(error) if !error.to_string().contains(says) => failures.push(format!("{name}: {error}")),
            Err(error) => assert!(!error.to_string().contains('\n'), "{error}"),
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn the_table_and_the_readme_list_every_file() {
    let folder = fixture("hostile/onnx");
    let files: BTreeSet<String> = std::fs::read_dir(&folder)
        .unwrap()
        .filter_map(|entry| Some(entry.unwrap().file_name().to_str()?.strip_suffix(".onnx")?.to_owned()))
        .collect();
    assert_eq!(files, FILES.iter().map(|(name, _)| (*name).to_owned()).collect());
    let readme = std::fs::read_to_string(folder.join("README.md")).unwrap();
    for name in files {
        assert!(readme.contains(&format!("| `{name}` | ")), "README.md doesn't list {name}");
    }
}

/// Two bytes of file would become hundreds of bytes in memory.
#[test]
fn half_a_million_empty_nodes_are_refused_before_they_are_decoded() {
    let nodes: Vec<u8> = [0x0a, 0x00].repeat(500_000);
    let error = Model::decode(graph_of(&nodes).into(), &mut weights).unwrap_err();
    assert!(matches!(error, Error::Limit { limit: 262_144, .. }), "{error}");
}

/// The same in the deepest corner of the schema: dimensions of the values of a map in an input's type.
#[test]
fn counting_reaches_every_message() {
    let nest = |fields: &[u32], inner: Vec<u8>| {
        fields.iter().rev().fold(inner, |inner, field| {
            let mut message = Vec::new();
            prost::encoding::encode_key(*field, prost::encoding::WireType::LengthDelimited, &mut message);
            prost::encoding::encode_varint(inner.len() as u64, &mut message);
            message.extend(inner);
            message
        })
    };
    let many = |field: u8| [field << 3 | 2, 0].repeat(300_000);
    for (path, bytes) in [
        // input, type, map_type, value_type, tensor_type, shape, dim
        ([11, 2, 5, 2, 1, 2].as_slice(), many(1)),
        // node, attribute, type_protos, sequence_type, elem_type, sparse_tensor_type, shape, dim
        (&[1, 5, 15, 4, 1, 8, 2], many(1)),
        // node, device_configurations, sharding_spec, sharded_dim, simple_sharding
        (&[1, 10, 2, 4], many(2)),
        // node, attribute, sparse_tensor, values, external_data
        (&[1, 5, 22, 1], many(13)),
        // quantization_annotation, quant_parameter_tensor_names
        (&[14], many(2)),
    ] {
        let error = Model::decode(graph_of(&nest(path, bytes)).into(), &mut weights).unwrap_err();
        assert!(matches!(error, Error::Limit { limit: 262_144, .. }), "{path:?}: {error}");
    }
}

/// One byte of a packed list would become eight.
#[test]
fn long_lists_of_small_integers_are_refused_before_they_are_decoded() {
    let mut tensor = vec![0x3a];
    prost::encoding::encode_varint(20 << 20, &mut tensor);
    tensor.resize(tensor.len() + (20 << 20), 1);
    let mut initializer = vec![0x2a];
    prost::encoding::encode_varint(tensor.len() as u64, &mut initializer);
    initializer.extend(tensor);
    let error = Model::decode(graph_of(&initializer).into(), &mut weights).unwrap_err();
    assert!(matches!(error, Error::Limit { limit: 16_777_216, .. }), "{error}");
}

/// A model of IR version 8 and opset 17 around the fields of a graph.
fn graph_of(fields: &[u8]) -> Vec<u8> {
    let mut model = vec![0x08, 0x08, 0x42, 0x02, 0x10, 0x11, 0x3a];
    prost::encoding::encode_varint(fields.len() as u64, &mut model);
    model.extend_from_slice(fields);
    model
}

/// Every byte of small valid models is changed in several ways: whatever is read can be lowered or refused.
#[test]
fn no_changed_byte_causes_a_panic() {
    let mut read = 0;
    let mut lowered = 0;
    for name in
        ["conv_groups", "maxpool_ceil_and_pads", "lrn_3", "gemm_scaled", "slice_13", "view_by_product", "split_13"]
    {
        let original = std::fs::read(beside(&format!("operators/{name}.onnx"))).unwrap();
        for at in 0..original.len() {
            for change in [0x01, 0x08, 0x80, 0xff] {
                let mut bytes = original.clone();
                bytes[at] ^= change;
                if let Ok(model) = Model::decode(bytes.into(), &mut |_| Err(io::ErrorKind::NotFound.into())) {
                    read += 1;
                    lowered += usize::from(lower(&model, 2, &[]).is_ok());
                }
            }
        }
    }
    // Most changes touch weights or names; that many were read shows that the test reaches the lowering.
    assert!(read > 1000 && lowered > 100, "{read} read, {lowered} lowered");
}

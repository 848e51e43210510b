//! safetensors, as this project writes it or anyone else (<https://github.com/huggingface/safetensors>, "Format"): the header's
//! length in 8 bytes, the header as JSON, and tensors that fill the rest without a hole or an overlap.
//!
//! The `safetensors` crate parses and validates the header. Sharded models (`*.index.json`) are not joined: each shard is a
//! file of its own here.

use super::Format;
use crate::{Checkpoint, Error, Group, Limits, Result, Unreadable};
use alexnet_spec::{DType, Metadata, Tensor};
use bytes::Bytes;
use safetensors::tensor::{Dtype, SafeTensors, TensorInfo};
use std::collections::BTreeMap;

pub(super) const FORMAT: Format = Format {
    name: "safetensors",
    about: "safetensors: a JSON header, then raw tensors",
    recognises: |source, _| header_length(&source.bytes()).is_some(),
    read: |source, limits| read(&source.bytes(), limits),
};

/// The bytes that hold the header's length.
const PREFIX: usize = 8;

/// The length that the first bytes give for the header, where a header follows.
fn header_length(bytes: &[u8]) -> Option<u64> {
    let (length, rest) = bytes.split_first_chunk::<PREFIX>()?;
    // The specification's own bound on the length, and what the header begins with. In a zip, the byte that is `{` here
    // would be a compression method that doesn't exist.
    Some(u64::from_le_bytes(*length)).filter(|length| *length <= 100_000_000 && rest.first() == Some(&b'{'))
}

fn read(bytes: &Bytes, limits: &Limits) -> Result<Checkpoint> {
    let length = header_length(bytes).ok_or_else(|| Error::malformed("does not begin with a header's length"))?;
    if length > limits.header_bytes as u64 {
        return Err(Error::limit("header_bytes", format!("a header of {length} bytes"), limits.header_bytes));
    }
    if length > bytes.len().saturating_sub(PREFIX) as u64 {
        return Err(Error::malformed(format!(
            "the header should have {length} bytes, but the file ends after {}",
            bytes.len().saturating_sub(PREFIX)
        ))
        .with_remedy("to fetch the file again: it is cut short"));
    }
    let (length, header) = SafeTensors::read_metadata(bytes).map_err(|error| malformed(&error))?;
    let data = bytes.slice(PREFIX.saturating_add(length)..);

    let infos = header.tensors();
    if infos.len() > limits.tensors {
        return Err(Error::limit("tensors", format!("a header of {} tensors", infos.len()), limits.tensors));
    }
    let mut infos: Vec<(String, &TensorInfo)> = infos.into_iter().collect();
    infos.sort_by(|(a_name, a), (b_name, b)| (a.data_offsets, a_name).cmp(&(b.data_offsets, b_name)));
    let mut group = Group::default();
    for (name, info) in infos {
        if name.len() > limits.name_bytes {
            return Err(Error::limit("name_bytes", format!("a name of {} bytes", name.len()), limits.name_bytes));
        }
        if info.shape.len() > limits.dimensions {
            let seen = format!("`{}` with {} dimensions", name.escape_debug(), info.shape.len());
            return Err(Error::limit("dimensions", seen, limits.dimensions));
        }
        match dtype(info.dtype) {
            Some(dtype) => {
                let (start, end) = info.data_offsets;
                let tensor = Tensor::new(dtype, info.shape.clone(), data.slice(start..end))
                    .map_err(|error| Error::from(error).at(format!("tensor `{}`", name.escape_debug())))?;
                group.tensors.push((name, tensor));
            }
            None => group.unreadable.push(Unreadable {
                name,
                reason: format!("elements of type {:?} aren't converted; convert them to f32 first", info.dtype),
            }),
        }
    }
    let pairs: Option<BTreeMap<String, String>> =
        header.metadata().as_ref().map(|pairs| pairs.iter().map(|(key, value)| (key.clone(), value.clone())).collect());
    Ok(Checkpoint { metadata: pairs.map(Metadata), ..Checkpoint::new(FORMAT.name, vec![group]) })
}

/// On one line, whatever the header holds.
fn malformed(error: &safetensors::SafeTensorError) -> Error {
    let text: String = error
        .to_string()
        .chars()
        .flat_map(|c| if c.is_control() { c.escape_default().collect() } else { vec![c] })
        .collect();
    Error::malformed(text)
        .at("header")
        .with_remedy("getting the file again, or writing it with the safetensors library")
}

fn dtype(dtype: Dtype) -> Option<DType> {
    Some(match dtype {
        Dtype::F64 => DType::F64,
        Dtype::F32 => DType::F32,
        Dtype::F16 => DType::F16,
        Dtype::BF16 => DType::BF16,
        Dtype::I64 => DType::I64,
        Dtype::I32 => DType::I32,
        Dtype::I16 => DType::I16,
        Dtype::I8 => DType::I8,
        Dtype::U8 => DType::U8,
        Dtype::BOOL => DType::Bool,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file of a header and data, its length field as it should be.
    fn file(header: &str, data: &[u8]) -> Bytes {
        [&(header.len() as u64).to_le_bytes(), header.as_bytes(), data].concat().into()
    }

    #[test]
    fn tensors_come_in_the_order_of_the_file_without_a_copy() {
        let header = r#"{"b":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{"dtype":"I16","shape":[2,1],"data_offsets":[4,8]}}"#;
        let bytes = file(header, &[0, 0, 128, 63, 1, 0, 2, 0]);
        let checkpoint = read(&bytes, &Limits::default()).unwrap();
        let [group] = &checkpoint.groups[..] else { panic!("one group") };
        let names: Vec<&str> = group.tensors.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!((names, group.key.as_str(), checkpoint.metadata), (vec!["b", "a"], "", None));
        assert_eq!(group.tensors[0].1.to_f32().unwrap(), [1.0]);
        assert_eq!((group.tensors[1].1.shape(), group.tensors[1].1.dtype()), (&[2, 1][..], DType::I16));
        let data = group.tensors[0].1.as_contiguous().unwrap();
        assert_eq!(data.as_ptr() as usize, bytes.as_ptr() as usize + 8 + header.len());
    }

    #[test]
    fn metadata_are_handed_on() {
        let checkpoint = read(&file(r#"{"__metadata__":{"format":"pt","b":"2"}}"#, &[]), &Limits::default()).unwrap();
        let pairs = [("b", "2"), ("format", "pt")].map(|(key, value)| (key.to_owned(), value.to_owned()));
        assert_eq!(checkpoint.metadata, Some(Metadata(pairs.into())));
    }

    #[test]
    fn an_element_type_that_we_lack_is_refused_only_where_it_is_needed() {
        let header = r#"{"a":{"dtype":"U32","shape":[1],"data_offsets":[0,4]}}"#;
        let checkpoint = read(&file(header, &[0; 4]), &Limits::default()).unwrap();
        assert!(checkpoint.groups[0].tensors.is_empty());
        assert!(checkpoint.groups[0].unreadable[0].reason.contains("U32"), "{:?}", checkpoint.groups[0].unreadable);
    }

    #[test]
    fn what_contradicts_itself_is_malformed() {
        let entry = |shape: &str, offsets: &str| {
            format!(r#"{{"a":{{"dtype":"F32","shape":{shape},"data_offsets":{offsets}}}}}"#)
        };
        let overlap = r#"{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"b":{"dtype":"U8","shape":[4],"data_offsets":[2,6]}}"#;
        let cases = [
            ("bytes after the data", entry("[1]", "[0,4]"), 8),
            ("data cut short", entry("[2]", "[0,8]"), 4),
            ("shape against offsets", entry("[2]", "[0,4]"), 4),
            ("a hole", entry("[1]", "[4,8]"), 8),
            ("an end before its start", entry("[1]", "[4,0]"), 4),
            ("a shape that overflows", entry("[4294967296,4294967296,4294967296]", "[0,4]"), 4),
            ("a negative shape", entry("[-1]", "[0,4]"), 4),
            ("an overlap", overlap.to_owned(), 6),
            ("an unknown type", entry("[1]", "[0,4]").replace("F32", "F31"), 4),
            ("a line break in a type", entry("[1]", "[0,4]").replace("F32", "F\\n31"), 4),
            ("text after the object", "{}{}".to_owned(), 0),
            ("metadata that is no text", r#"{"__metadata__":{"a":1}}"#.to_owned(), 0),
        ];
        for (what, header, data) in cases {
            let error = read(&file(&header, &vec![0; data]), &Limits::default()).expect_err(what);
            assert_eq!(error.kind(), crate::Kind::Malformed, "{what}: {error}");
            assert_eq!(error.to_string().lines().count(), 1, "{what}: {error}");
        }
    }

    #[test]
    fn a_header_longer_than_the_file_is_cut_short() {
        let error = read(&Bytes::from_static(b"\x40\0\0\0\0\0\0\0{\"a\""), &Limits::default()).unwrap_err();
        assert!(error.to_string().contains("64 bytes, but the file ends after 4"), "{error}");
    }

    #[test]
    fn every_limit_is_named() {
        let header = r#"{"abc":{"dtype":"F32","shape":[1,1],"data_offsets":[0,4]}}"#;
        let cases = [
            ("header_bytes", Limits { header_bytes: 8, ..Limits::default() }),
            ("tensors", Limits { tensors: 0, ..Limits::default() }),
            ("name_bytes", Limits { name_bytes: 2, ..Limits::default() }),
            ("dimensions", Limits { dimensions: 1, ..Limits::default() }),
        ];
        for (name, limits) in cases {
            let error = read(&file(header, &[0; 4]), &limits).expect_err(name);
            assert_eq!(error.kind(), crate::Kind::Limit);
            assert!(error.to_string().contains(name), "{error}");
        }
    }

    #[test]
    fn other_contents_are_not_taken_for_it() {
        let cases: [&[u8]; 5] =
            [b"", b"PK\x03\x04\0\0\0\0\0\0{", b"\x80\x02}q\x00X{{{{", b"\x02\0\0\0\0\0\0\0[]", b"\x02\0\0\0\0\0\0"];
        for bytes in cases {
            assert_eq!(header_length(bytes), None, "{bytes:?}");
        }
    }
}

//! Flax's MessagePack, as `flax.serialization.to_bytes` and `msgpack_serialize` write it: maps of maps whose leaves are
//! extensions, each again MessagePack of shape, type name and bytes. An array of a gigabyte and more is split into chunks.
//!
//! Described by `flax/serialization.py`. Arrays are views of the file, but for those that are split.

use super::Format;
use crate::msgpack::{self, Value};
use crate::pickle::Element;
use crate::shown::shown;
use crate::{Checkpoint, Error, Group, Limits, Result, Source, Transform, Unreadable};
use alexnet_spec::Tensor;
use bytes::Bytes;
use std::collections::HashSet;

pub(super) const FORMAT: Format = Format {
    name: "flax-msgpack",
    about: "flax.serialization of a tree of parameters, as .msgpack or as a checkpoint's file",
    recognises: |source, _| recognises(&source.bytes()),
    read,
};

/// What marks a map that stands for a split array.
const CHUNKED: &str = "__msgpack_chunked_array__";

/// A map that isn't empty, whose first key is text.
fn recognises(bytes: &[u8]) -> bool {
    let key = match bytes {
        [0x81..=0x8f, key @ ..] | [0xde, _, _, key @ ..] | [0xdf, _, _, _, _, key @ ..] => key,
        _ => return false,
    };
    let text = match key {
        [length @ 0xa1..=0xbf, text @ ..] => text.get(..usize::from(*length & 0x1f)),
        [0xd9, length, text @ ..] => text.get(..usize::from(*length)),
        _ => None,
    };
    text.is_some_and(|text| text.iter().all(|byte| byte.is_ascii_graphic() || *byte == b' '))
}

fn read(source: &Source, limits: &Limits) -> Result<Checkpoint> {
    let Value::Map(root) = msgpack::read(source.bytes(), limits)? else {
        return Err(Error::malformed("its root is no map"));
    };
    // `params`, `batch_stats`, `opt_state`: collections, each of which may spell the same layers.
    let has_collections =
        root.iter().any(|(key, value)| key.text() == Some("params") && matches!(value, Value::Map(_)));
    let (mut groups, mut tensors) = (vec![Group::default()], 0usize);
    for (key, value) in root {
        let key = name_of(&key, limits)?;
        let mut group = Group::default();
        match has_collections && matches!(value, Value::Map(_)) && !is_chunked(&value) {
            true => {
                group.key = key;
                leaves(value, String::new(), &mut group, limits)?;
                groups.push(group);
            }
            false => leaves(value, key, groups.first_mut().unwrap_or(&mut group), limits)?,
        }
    }
    groups.retain(|group| !group.tensors.is_empty() || !group.unreadable.is_empty());
    for group in &groups {
        check_names(group)?;
        tensors = tensors.saturating_add(group.tensors.len());
    }
    if tensors > limits.tensors {
        return Err(Error::limit("tensors", format!("a tree of {tensors} arrays"), limits.tensors));
    }
    match groups.is_empty() {
        true => Err(Error::refused("holds no arrays").with_remedy("the file with the weights")),
        false => Ok(Checkpoint::new(FORMAT.name, groups)),
    }
}

/// Puts the arrays below `value` into `group`; the recursion is as deep as the reader of MessagePack allowed.
fn leaves(value: Value, name: String, group: &mut Group, limits: &Limits) -> Result<()> {
    if name.len() > limits.name_bytes {
        return Err(Error::limit("name_bytes", format!("a name of {} bytes", name.len()), limits.name_bytes));
    }
    let place = |error: Error| error.at(format!("array `{}`", shown(name.as_bytes())));
    let leaf = match value {
        Value::Map(pairs) if is_chunked_map(&pairs) => chunked(&pairs, limits).map_err(place)?,
        Value::Map(pairs) => {
            for (key, value) in pairs {
                let key = name_of(&key, limits)?;
                leaves(value, if name.is_empty() { key } else { format!("{name}.{key}") }, group, limits)?;
            }
            return Ok(());
        }
        Value::Array(items) => {
            return (0usize..)
                .zip(items)
                .try_for_each(|(index, item)| leaves(item, format!("{name}.{index}"), group, limits));
        }
        Value::Extension(ARRAY, bytes) => array(bytes, limits).map_err(place)?,
        // Numbers on their own, as steps are: no weights.
        _ => return Ok(()),
    };
    match leaf {
        Ok(tensor) => group.tensors.push((name, tensor)),
        Err(reason) => group.unreadable.push(Unreadable { name, reason }),
    }
    Ok(())
}

fn name_of(key: &Value, limits: &Limits) -> Result<String> {
    match key {
        Value::Int(number) => Ok(number.to_string()),
        _ => match key.text() {
            Some(text) if text.len() > limits.name_bytes => {
                Err(Error::limit("name_bytes", format!("a key of {} bytes", text.len()), limits.name_bytes))
            }
            Some(text) => Ok(text.to_owned()),
            None => Err(Error::malformed("a map has a key that is no text")),
        },
    }
}

/// Flax's extension for an array.
const ARRAY: i8 = 1;

/// An array of weights, or why it is none: shape, type name and bytes.
fn array(bytes: Bytes, limits: &Limits) -> Result<Result<Tensor, String>> {
    let Value::Array(parts) = msgpack::read(bytes, limits)? else {
        return Err(Error::malformed("an array that isn't shape, type and bytes"));
    };
    let [Value::Array(shape), kind, Value::Binary(bytes)] = &parts[..] else {
        return Err(Error::malformed("an array that isn't shape, type and bytes"));
    };
    let shape = sizes(shape.iter(), limits)?;
    let name = kind.text().ok_or_else(|| Error::malformed("an array without the name of its type"))?;
    match Element::of_dtype(name) {
        Some(Element::Plain(dtype)) => Ok(Ok(Tensor::new(dtype, shape, bytes.clone())?)),
        _ => Ok(Err(format!("of type {}, which weights aren't made of; try float32", shown(name.as_bytes())))),
    }
}

fn sizes<'a>(sizes: impl ExactSizeIterator<Item = &'a Value>, limits: &Limits) -> Result<Vec<usize>> {
    if sizes.len() > limits.dimensions {
        return Err(Error::limit("dimensions", format!("an array of {} dimensions", sizes.len()), limits.dimensions));
    }
    let size = |value: &Value| match value {
        Value::Int(size) => usize::try_from(*size).ok(),
        _ => None,
    };
    sizes.map(|value| size(value).ok_or_else(|| Error::malformed("an array with a size that is none"))).collect()
}

fn is_chunked(value: &Value) -> bool {
    matches!(value, Value::Map(pairs) if is_chunked_map(pairs))
}

fn is_chunked_map(pairs: &[(Value, Value)]) -> bool {
    pairs.iter().any(|(key, _)| key.text() == Some(CHUNKED))
}

/// An array from its chunks, whose elements follow each other in row-major order.
fn chunked(pairs: &[(Value, Value)], limits: &Limits) -> Result<Result<Tensor, String>> {
    let entry = |name: &str| match pairs.iter().find(|(key, _)| key.text() == Some(name)) {
        Some((_, Value::Map(entries))) => Ok(indexed(entries)?),
        _ => Err(Error::malformed(format!("a split array without its `{name}`"))),
    };
    let shape = sizes(entry("shape")?.into_iter(), limits)?;
    let mut chunks = Vec::new();
    for chunk in entry("chunks")? {
        let Value::Extension(ARRAY, bytes) = chunk else {
            return Err(Error::malformed("a split array whose chunks are no arrays"));
        };
        match array(bytes.clone(), limits)? {
            Ok(tensor) => chunks.push(tensor),
            Err(reason) => return Ok(Err(reason)),
        }
    }
    Ok(Ok(Transform::ConcatenateAlong(0).apply(&chunks)?.reshape(&shape)?))
}

/// The values of a map whose keys are "0", "1", ... in any order: how Flax writes a tuple.
fn indexed(entries: &[(Value, Value)]) -> Result<Vec<&Value>> {
    let mut numbered = Vec::new();
    for (key, value) in entries {
        let index = key.text().and_then(|text| text.parse::<usize>().ok());
        numbered.push((index.ok_or_else(|| Error::malformed("a tuple with a key that is no number"))?, value));
    }
    numbered.sort_by_key(|(index, _)| *index);
    match numbered.iter().enumerate().all(|(at, (index, _))| at == *index) {
        true => Ok(numbered.into_iter().map(|(_, value)| value).collect()),
        false => Err(Error::malformed("a tuple with an item that is missing, or there twice")),
    }
}

fn check_names(group: &Group) -> Result<()> {
    let mut seen = HashSet::new();
    let names = group.tensors.iter().map(|(name, _)| name).chain(group.unreadable.iter().map(|tensor| &tensor.name));
    match names.into_iter().find(|name| !seen.insert(name.as_str())) {
        Some(name) => Err(Error::malformed(format!("there are two arrays `{}`", shown(name.as_bytes())))),
        None => Ok(()),
    }
}

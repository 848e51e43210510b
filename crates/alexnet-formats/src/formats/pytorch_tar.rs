//! What `torch.save` wrote until 0.1.9: a tar with the members `sys_info`, `pickle`, `tensors` and `storages`. torchvision's
//! first `alexnet-owt-4df8aa71.pth` is one.
//!
//! Described by `legacy_load` in PyTorch's `torch/serialization.py`. `storages` is a count, for each a pickled
//! `(key, location, class)`, a 64-bit count and the elements, and a list of those that are views of others; `tensors` is a
//! count, for each a pickled `(key, storage's key, class)` and sizes, strides and offset; `pickle` refers to both by key.
//!
//! The members are found by the crate `tar`, which hands out where each lies; their bytes are slices of the file.

use super::Format;
use super::pytorch::{self, Storages};
use crate::input::Input;
use crate::pickle::{self, Element, Heap, Held, Object, Storage, TensorParts, Value};
use crate::shown::shown;
use crate::{Checkpoint, Error, Limits, Result, Source};
use bytes::Bytes;
use std::collections::HashMap;
use std::io::Cursor;

pub(super) const FORMAT: Format =
    Format { name: "pytorch-tar", about: "torch.save of PyTorch until 0.1.9", recognises, read };

fn recognises(source: &Source, _: &Limits) -> bool {
    source.bytes().get(257..262) == Some(b"ustar")
}

fn read(source: &Source, limits: &Limits) -> Result<Checkpoint> {
    let bytes = source.bytes();
    let members = members(&bytes, limits)?;
    let member = |name: &str| {
        members.get(name).cloned().ok_or_else(|| {
            Error::refused(format!("is a tar without the member `{name}` that PyTorch's have"))
                .with_remedy("unpacking it and giving the checkpoint inside")
        })
    };
    let mut heap = Heap::new(limits).with_nested(super::pytorch_legacy::nested);
    let mut known = HashMap::new();
    read_storages(&mut heap, &mut known, member("storages")?).map_err(|error| error.at("storages"))?;
    read_tensors(&mut heap, &mut known, member("tensors")?).map_err(|error| error.at("tensors"))?;
    let mut input = Input::new(member("pickle")?);
    let mut persistent = |heap: &mut Heap, id: Value| match heap.tuple(id) {
        Some([class, ..]) => Ok(*class),
        _ => find(heap, &known, id),
    };
    let root = pickle::run(&mut heap, &mut input, &mut persistent).map_err(|error| error.at("pickle"))?;
    end(&input).map_err(|error| error.at("pickle"))?;
    let groups = pytorch::groups(&heap, root, &mut Storages::new(bytes.len(), false))?;
    Ok(Checkpoint::new(FORMAT.name, groups))
}

/// The members by name, each a slice of the file.
fn members(bytes: &Bytes, limits: &Limits) -> Result<HashMap<String, Bytes>> {
    let damaged = |error: std::io::Error| {
        // Its message quotes the file's bytes as they are.
        let message = shown(error.to_string().as_bytes());
        Error::malformed(format!("the tar is damaged: {message}")).with_remedy("getting the file again")
    };
    let mut members = HashMap::new();
    let mut archive = tar::Archive::new(Cursor::new(bytes.as_ref()));
    for entry in archive.entries_with_seek().map_err(damaged)? {
        let entry = entry.map_err(damaged)?;
        if members.len() >= limits.entries {
            return Err(Error::limit("entries", "one more member of the tar", limits.entries));
        }
        let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        let place = |error: Error| error.at(format!("member `{}`", shown(name.as_bytes())));
        if name.len() > limits.name_bytes {
            return Err(Error::limit(
                "name_bytes",
                format!("a member's name of {} bytes", name.len()),
                limits.name_bytes,
            ));
        }
        if !entry.header().entry_type().is_file() {
            return Err(place(
                Error::refused("is no plain file").with_remedy("unpacking it and giving the checkpoint inside"),
            ));
        }
        let start = usize::try_from(entry.raw_file_position()).ok();
        let range = start.and_then(|start| Some(start..start.checked_add(usize::try_from(entry.size()).ok()?)?));
        let range = range.filter(|range| range.end <= bytes.len()).ok_or_else(|| {
            place(
                Error::malformed(format!("its {} bytes aren't there", entry.size()))
                    .with_remedy("getting the file again"),
            )
        })?;
        if members.insert(name.clone(), bytes.slice(range)).is_some() {
            return Err(place(Error::malformed("the tar has it twice")));
        }
    }
    Ok(members)
}

fn read_storages(heap: &mut Heap, known: &mut HashMap<Bytes, Value>, member: Bytes) -> Result<()> {
    let mut input = Input::new(member);
    for _ in 0..count(heap, &mut input)? {
        let [key, _, class] = triple(heap, &mut input)?;
        let element = heap.global(class).and_then(|(module, name)| Element::of_class(module, name));
        let element = element
            .ok_or_else(|| Error::refused(format!("a storage of {}, which isn't known", heap.describe(class))))?;
        let elements = u64::from_le_bytes(input.array()?);
        let length = elements.checked_mul(element.size() as u64);
        let bytes = input.take(length.unwrap_or(u64::MAX), "a storage's elements")?;
        define(
            heap,
            known,
            key,
            Object::Storage(Box::new(Storage { element, held: Held::Here(bytes), elements, view: None })),
        )?;
    }
    let views = pickle::run(heap, &mut input, &mut pickle::no_persistent_ids)?;
    let views = heap.sequence(views).ok_or_else(|| Error::malformed("the views of storages are no list"))?.to_vec();
    for view in views {
        let (target, root, first, count) = match heap.sequence(view) {
            Some([target, root, Value::Int(first), Value::Int(count)]) => (*target, *root, *first, *count),
            _ => return Err(Error::malformed("a view of a storage that is no tuple of four")),
        };
        let root = find(heap, known, root)?;
        let Some(Object::Storage(root)) = heap.get(root) else { return Err(Error::malformed("a view of no storage")) };
        let (Ok(first), Ok(count)) = (u64::try_from(first), u64::try_from(count)) else {
            return Err(Error::malformed("a view of a storage from a negative place, or of a negative size"));
        };
        let part = Storage { view: Some((first, count)), ..root.as_ref().clone() };
        let bytes = Storages::default().bytes_of(&part)?;
        let part = Storage { held: Held::Here(bytes), elements: count, view: None, ..part };
        define(heap, known, target, Object::Storage(Box::new(part)))?;
    }
    end(&input)
}

fn read_tensors(heap: &mut Heap, known: &mut HashMap<Bytes, Value>, member: Bytes) -> Result<()> {
    let mut input = Input::new(member);
    for _ in 0..count(heap, &mut input)? {
        let [key, storage, _] = triple(heap, &mut input)?;
        let storage = find(heap, known, storage)?;
        let Some(Object::Storage(storage)) = heap.get(storage) else {
            return Err(Error::malformed("a tensor of no storage"));
        };
        let storage = storage.as_ref().clone();
        let rank = i32::from_le_bytes(input.array()?);
        // The count once had 64 bits.
        input.array::<4>()?;
        let limit = heap.limits().dimensions;
        let rank = usize::try_from(rank).map_err(|_| Error::malformed("a tensor of negative rank"))?;
        if rank > limit {
            return Err(Error::limit("dimensions", format!("a tensor of {rank} dimensions"), limit));
        }
        let mut numbers = || (0..rank).map(|_| input.array().map(i64::from_le_bytes)).collect::<Result<Vec<i64>>>();
        let (size, stride) = (numbers()?, numbers()?);
        let offset = i64::from_le_bytes(input.array()?);
        define(
            heap,
            known,
            key,
            Object::Tensor(Box::new(TensorParts { storage, element: None, offset, size, stride })),
        )?;
    }
    end(&input)
}

fn count(heap: &mut Heap, input: &mut Input) -> Result<i64> {
    match pickle::run(heap, input, &mut pickle::no_persistent_ids)? {
        Value::Int(count) if count >= 0 => Ok(count),
        other => Err(Error::malformed(format!("it begins with {} in place of a count", heap.describe(other)))),
    }
}

fn triple(heap: &mut Heap, input: &mut Input) -> Result<[Value; 3]> {
    let value = pickle::run(heap, input, &mut pickle::no_persistent_ids)?;
    match heap.sequence(value) {
        Some([a, b, c]) => Ok([*a, *b, *c]),
        _ => Err(Error::malformed(format!("{} in place of a tuple of 3", heap.describe(value)))),
    }
}

fn define(heap: &mut Heap, known: &mut HashMap<Bytes, Value>, key: Value, object: Object) -> Result<()> {
    let name = key_of(heap, key)?;
    let value = heap.make(object)?;
    match known.insert(name.clone(), value) {
        None => Ok(()),
        Some(_) => Err(Error::malformed(format!("key `{}` is there twice", shown(&name)))),
    }
}

fn find(heap: &Heap, known: &HashMap<Bytes, Value>, key: Value) -> Result<Value> {
    let name = key_of(heap, key)?;
    known.get(&name).copied().ok_or_else(|| Error::malformed(format!("nothing has the key `{}`", shown(&name))))
}

fn key_of(heap: &Heap, key: Value) -> Result<Bytes> {
    let limit = heap.limits().name_bytes;
    match pytorch::storage_key(heap, key) {
        Some(key) if key.len() > limit => {
            Err(Error::limit("name_bytes", format!("a key of {} bytes", key.len()), limit))
        }
        Some(key) => Ok(key),
        None => Err(Error::malformed(format!("{} in place of a key", heap.describe(key)))),
    }
}

fn end(input: &Input) -> Result<()> {
    match input.left() {
        0 => Ok(()),
        left => Err(Error::malformed(format!("{left} bytes after its end, at byte {}", input.position()))),
    }
}

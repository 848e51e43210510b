//! What `torch.save` wrote from 0.1.10 to 1.5, and still writes on request: pickles one after the other (a magic number, a
//! version, the writer's system, the object, the keys of its storages), then for each key a 64-bit count and the elements.
//!
//! Described by `_legacy_save` and `_legacy_load` in PyTorch's `torch/serialization.py`. The elements are little-endian
//! whatever the writer's system was: PyTorch turns them when it writes them, and never looks at what `sys_info` says.

use super::Format;
use super::pytorch::{self, Storages};
use crate::input::Input;
use crate::pickle::{self, Heap, Held, Object, Value};
use crate::shown::shown;
use crate::{Checkpoint, Error, Limits, Result, Source};
use bytes::Bytes;
use std::collections::HashMap;

pub(super) const FORMAT: Format = Format {
    name: "pytorch-legacy",
    about: "torch.save of PyTorch 0.1.10 to 1.5",
    recognises: |source, _| recognises(&source.bytes()),
    read,
};

/// 0x1950a86a20f9469cfc6c, little-endian, as binary pickles have it.
const MAGIC: [u8; 10] = [0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19];
/// The same as protocol 0 has it.
const MAGIC_TEXT: &[u8] = b"L119547037146038801333356L";

/// Whether the first pickle, after its protocol and perhaps a frame, is the magic number.
pub(super) fn recognises(bytes: &Bytes) -> bool {
    let head = bytes.get(..24).unwrap_or(bytes);
    head.windows(MAGIC.len()).any(|window| window == MAGIC) || bytes.starts_with(MAGIC_TEXT)
}

fn read(source: &Source, limits: &Limits) -> Result<Checkpoint> {
    let bytes = source.bytes();
    let mut heap = Heap::new(limits).with_nested(nested);
    let (root, mut storages) = stream(&mut heap, bytes)?;
    let groups = pytorch::groups(&heap, root, &mut storages)?;
    Ok(Checkpoint::new(FORMAT.name, groups))
}

/// Reads such a file within a pickle, which must hold a storage and nothing else.
pub(super) fn nested(heap: &mut Heap, bytes: Bytes) -> Result<Value> {
    if !recognises(&bytes) {
        return Err(Error::refused("is no file of torch.save's"));
    }
    let start = heap.len();
    let (root, storages) = stream(heap, bytes)?;
    for storage in heap.storages_since(start) {
        let bytes = storages.bytes_of(storage)?;
        storage.elements = storage.view.take().map_or(storage.elements, |(_, count)| count);
        storage.held = Held::Here(bytes);
    }
    match heap.get(root) {
        Some(Object::Storage(_)) => Ok(root),
        _ => Err(Error::refused(format!("holds {} in place of a storage", heap.describe(root)))),
    }
}

/// The object of the file, and its storages.
fn stream(heap: &mut Heap, bytes: Bytes) -> Result<(Value, Storages)> {
    let mut storages = Storages::new(bytes.len(), false);
    let mut input = Input::new(bytes);
    let start = heap.len();
    let part = |heap: &mut Heap, input: &mut Input, name: &str| {
        pickle::run(heap, input, &mut pytorch::persistent_id).map_err(|error| error.at(name))
    };
    let magic = part(heap, &mut input, "the magic number")?;
    if !matches!(heap.get(magic), Some(Object::Long(bytes)) if *bytes == MAGIC.as_slice()) {
        return Err(Error::malformed("doesn't begin with PyTorch's magic number"));
    }
    match part(heap, &mut input, "the version")? {
        Value::Int(1001) => {}
        other => return Err(Error::refused(format!("the layout's version is {other:?}; 1001 is known"))),
    }
    part(heap, &mut input, "the system's description")?;
    let root = part(heap, &mut input, "the object")?;
    let keys = part(heap, &mut input, "the list of storages")?;
    let keys: Option<Vec<Bytes>> =
        heap.sequence(keys).and_then(|keys| keys.iter().map(|key| pytorch::storage_key(heap, *key)).collect());
    let keys = keys.ok_or_else(|| Error::malformed("the list of storages isn't a list of keys"))?;
    let mut sizes: HashMap<Bytes, u64> = HashMap::new();
    for storage in heap.storages_since(start) {
        if let Held::Under(key) = &storage.held {
            sizes.entry(key.clone()).or_insert(storage.element.size() as u64);
        }
    }
    for key in keys {
        let place = |error: Error| error.at(format!("storage `{}`", shown(&key)));
        let size = *sizes.get(&key).ok_or_else(|| place(Error::malformed("the object doesn't refer to it")))?;
        let count = u64::from_le_bytes(input.array().map_err(place)?);
        let length = count.checked_mul(size).ok_or_else(|| place(Error::malformed(format!("{count} elements"))))?;
        let bytes = input.take(length, "elements").map_err(place)?;
        storages.insert(key.clone(), bytes)?;
    }
    match input.left() {
        0 => Ok((root, storages)),
        left => Err(Error::malformed(format!("{left} bytes after the last storage, at byte {}", input.position()))),
    }
}

use crate::pickle::{Array, ArrayData, Element, Heap, Held, Object, Storage, TensorParts, Value};
use crate::shown::shown;
use crate::{Error, Result};
use alexnet_spec::{DType, Tensor};
use bytes::Bytes;
use std::collections::HashMap;

/// The storages of a file, against which every tensor is held before it becomes one.
#[derive(Debug, Default)]
pub(crate) struct Storages {
    by_key: HashMap<Bytes, Bytes>,
    big_endian: bool,
    /// Storages turned into little-endian, by where they lie and by element size.
    swapped: HashMap<(usize, usize, usize), Bytes>,
    /// How many bytes more than their storages hold views may still show: a view with stride 0 costs the file nothing, but
    /// whoever writes it out a lot.
    surplus: usize,
}

/// What a value of a pickle is, seen as a tensor.
pub(crate) enum Seen {
    Tensor(Tensor),
    /// A tensor that isn't converted, and why.
    Unreadable(String),
    /// Something else.
    Nothing,
}

impl Storages {
    /// For a file of `file_bytes`, whose storages are yet to be inserted.
    pub fn new(file_bytes: usize, big_endian: bool) -> Storages {
        Storages { big_endian, surplus: file_bytes.saturating_add(1 << 20), ..Storages::default() }
    }

    /// Adds the bytes of a storage, as they lie in the file.
    ///
    /// Errs where there is one under this key.
    pub fn insert(&mut self, key: Bytes, bytes: Bytes) -> Result<()> {
        match self.by_key.insert(key.clone(), bytes) {
            None => Ok(()),
            Some(_) => Err(Error::malformed(format!("storage `{}` is there twice", shown(&key)))),
        }
    }

    /// The bytes of a storage, a part of it where it is a view, held against what the pickle says of it.
    pub fn bytes_of(&self, storage: &Storage) -> Result<Bytes> {
        let (bytes, key) = match &storage.held {
            Held::Here(bytes) => (bytes.clone(), "?".into()),
            Held::Under(key) => {
                let bytes = self.by_key.get(key);
                (bytes.ok_or_else(|| missing(key))?.clone(), shown(key))
            }
        };
        let size = storage.element.size() as u64;
        if storage.elements.checked_mul(size) != Some(bytes.len() as u64) {
            return Err(Error::malformed(format!(
                "storage `{key}` is said to hold {} elements of {size} bytes, but has {} bytes",
                storage.elements,
                bytes.len()
            ))
            .with_remedy("getting the file again: it is damaged or made to mislead"));
        }
        let Some((first, count)) = storage.view else { return Ok(bytes) };
        let start = first.checked_mul(size);
        let end =
            first.checked_add(count).and_then(|end| end.checked_mul(size)).filter(|end| *end <= bytes.len() as u64);
        match (start, end) {
            (Some(start), Some(end)) => Ok(bytes.slice(start as usize..end as usize)),
            _ => Err(Error::malformed(format!(
                "a view of {count} elements from {first} on reaches outside storage `{key}` of {}",
                storage.elements
            ))),
        }
    }

    /// `value` as a tensor.
    ///
    /// Errs where it contradicts its storage.
    pub fn see(&mut self, heap: &Heap, value: Value) -> Result<Seen> {
        match heap.get(value) {
            Some(Object::Tensor(parts)) => self.tensor(parts),
            Some(Object::Array(array)) => self.array(heap, array),
            Some(Object::Refused(reason)) => Ok(Seen::Unreadable(reason.clone())),
            _ => Ok(Seen::Nothing),
        }
    }

    /// Holds every tensor against its storage, those out of reach of the root included.
    pub fn check_all(&mut self, heap: &Heap) -> Result<()> {
        for (value, _) in heap.iter() {
            self.see(heap, value).map_err(|error| error.at("a tensor that no dictionary holds"))?;
        }
        Ok(())
    }

    fn tensor(&mut self, parts: &TensorParts) -> Result<Seen> {
        let bytes = self.bytes_of(&parts.storage)?;
        let shape = counts(&parts.size, "size")?;
        let strides: Result<Vec<isize>> =
            counts(&parts.stride, "stride")?.into_iter().map(|s| isize::try_from(s).map_err(|_| overflow())).collect();
        let offset = usize::try_from(parts.offset)
            .map_err(|_| Error::malformed(format!("the offset {} into its storage is negative", parts.offset)))?;
        let dtype = match parts.element.unwrap_or(parts.storage.element) {
            Element::Plain(dtype) => dtype,
            Element::Other(name, _) => return Ok(unfit(name)),
        };
        let here = matches!(parts.storage.held, Held::Here(_));
        let bytes = if self.big_endian && !here { self.swap(bytes, dtype) } else { bytes };
        self.view(dtype, shape, strides?, offset, bytes)
    }

    fn array(&mut self, heap: &Heap, array: &Array) -> Result<Seen> {
        let data = match array.data {
            Some(ArrayData::Bytes(data)) => heap.bytes(data),
            Some(ArrayData::Objects(_)) => return Ok(Seen::Nothing),
            None => return Err(Error::malformed("an array without content")),
        };
        let bytes = data.cloned().unwrap_or_default();
        let dtype = match array.kind.element {
            Some(Element::Plain(dtype)) => dtype,
            Some(Element::Other(name, _)) => return Ok(unfit(name)),
            None => return Ok(Seen::Nothing),
        };
        let shape = counts(&array.shape, "size")?;
        let length = shape.iter().try_fold(dtype.size(), |n, d| n.checked_mul(*d)).ok_or_else(overflow)?;
        if length != bytes.len() {
            return Err(Error::malformed(format!(
                "an array of shape {shape:?} and type {dtype} needs {length} bytes, but has {}",
                bytes.len()
            ))
            .with_remedy("getting the file again: it is cut off or damaged"));
        }
        let mut strides = vec![0isize; shape.len()];
        let mut step = 1usize;
        let mut set = |(stride, size): (&mut isize, &usize)| -> Result<()> {
            *stride = isize::try_from(step).map_err(|_| overflow())?;
            step = step.checked_mul((*size).max(1)).ok_or_else(overflow)?;
            Ok(())
        };
        match array.fortran {
            true => strides.iter_mut().zip(&shape).try_for_each(&mut set)?,
            false => strides.iter_mut().zip(&shape).rev().try_for_each(&mut set)?,
        }
        let bytes = if array.kind.big_endian { self.swap(bytes, dtype) } else { bytes };
        self.view(dtype, shape, strides, 0, bytes)
    }

    fn view(
        &mut self,
        dtype: DType,
        shape: Vec<usize>,
        strides: Vec<isize>,
        offset: usize,
        bytes: Bytes,
    ) -> Result<Seen> {
        let held = bytes.len();
        let tensor = Tensor::strided(dtype, shape, strides, offset, bytes)?;
        let shown = tensor.elements().saturating_mul(dtype.size());
        match self.surplus.checked_sub(shown.saturating_sub(held)) {
            Some(left) => self.surplus = left,
            None => {
                return Ok(Seen::Unreadable(format!(
                    "a view that shows {shown} bytes of the {held} in its storage; try saving it after .clone()"
                )));
            }
        }
        Ok(Seen::Tensor(tensor))
    }

    /// The same elements in little-endian. Each storage is turned once, however many tensors it serves.
    fn swap(&mut self, bytes: Bytes, dtype: DType) -> Bytes {
        let size = dtype.size();
        if size == 1 {
            return bytes;
        }
        let turned = self.swapped.entry((bytes.as_ptr() as usize, bytes.len(), size)).or_insert_with(|| {
            let mut turned = bytes.to_vec();
            turned.chunks_exact_mut(size).for_each(<[u8]>::reverse);
            turned.into()
        });
        turned.clone()
    }
}

fn counts(numbers: &[i64], what: &str) -> Result<Vec<usize>> {
    let counts = numbers.iter().map(|number| {
        usize::try_from(*number)
            .map_err(|_| Error::malformed(format!("the {what} {number} among {numbers:?} is negative")))
    });
    counts.collect()
}

fn unfit(name: &str) -> Seen {
    Seen::Unreadable(format!("of type {name}, which weights aren't made of; try saving it after .float()"))
}

fn overflow() -> Error {
    Error::malformed("a tensor's sizes overflow")
}

fn missing(key: &Bytes) -> Error {
    Error::malformed(format!("storage `{}` isn't in the file", shown(key)))
        .with_remedy("getting the file again: it is incomplete")
}

//! From a model's tensors to ours: types, shapes and bytes must agree, and raw data is shared, not copied.

use crate::proto::tensor_proto::{DataLocation, DataType};
use crate::proto::{StringStringEntryProto, TensorProto};
use crate::{Error, Extent, Result, external};
use alexnet_spec::{DType, Tensor};
use bytes::Bytes;
use half::{bf16, f16};
use std::collections::BTreeMap;
use std::io;

/// Opens the file at a checked location.
pub(crate) type Resolve<'a> = dyn FnMut(&str) -> io::Result<Bytes> + 'a;

/// All initializers by name.
pub(crate) fn initializers(protos: Vec<TensorProto>, resolve: &mut Resolve) -> Result<BTreeMap<String, Tensor>> {
    let mut tensors = BTreeMap::new();
    let mut files = Files { resolve, opened: BTreeMap::new() };
    for (index, proto) in protos.into_iter().enumerate() {
        let name = proto.name().to_owned();
        if name.is_empty() {
            let message = "has no name".into();
            return Err(Error::Malformed { place: format!("initializer {index}"), message });
        }
        let place = format!("initializer `{}`", name.escape_debug());
        let tensor = if proto.data_location() == DataLocation::External {
            files.tensor(&name, &place, proto)?
        } else {
            inline(&place, proto)?
        };
        if tensors.insert(name, tensor).is_some() {
            return Err(Error::Malformed { place, message: "there are two of that name".into() });
        }
    }
    files.check_overlaps()?;
    Ok(tensors)
}

/// A tensor whose data lies in the message itself.
pub(crate) fn inline(place: &str, proto: TensorProto) -> Result<Tensor> {
    let malformed = |message: String| Error::Malformed { place: place.to_owned(), message };
    let (dtype, shape, elements) = header(place, &proto)?;
    if proto.data_location() == DataLocation::External || !proto.external_data.is_empty() {
        return Err(malformed("points to external data, which only initializers marked EXTERNAL may".into()));
    }
    let typed = [
        ("float_data", proto.float_data.len(), matches!(dtype, DType::F32)),
        ("double_data", proto.double_data.len(), matches!(dtype, DType::F64)),
        ("int64_data", proto.int64_data.len(), matches!(dtype, DType::I64)),
        ("uint64_data", proto.uint64_data.len(), false),
        ("string_data", proto.string_data.len(), false),
        ("int32_data", proto.int32_data.len(), !matches!(dtype, DType::F32 | DType::F64 | DType::I64)),
    ];
    let mut filled = typed.iter().filter(|(_, count, _)| *count > 0);
    let raw = proto.raw_data.clone().unwrap_or_default();
    let bytes = match (filled.next(), filled.next()) {
        (Some((a, ..)), Some((b, ..))) => return Err(malformed(format!("has both {a} and {b}"))),
        (Some((field, ..)), None) if !raw.is_empty() => {
            return Err(malformed(format!("has both raw_data and {field}")));
        }
        (Some((field, _, false)), None) => return Err(malformed(format!("is of {dtype}, but its data is {field}"))),
        (Some((field, count, true)), None) if *count != elements => {
            return Err(malformed(format!("shape {shape:?} needs {elements} values, but {field} has {count}")));
        }
        (Some(_), None) => from_fields(dtype, proto).map_err(malformed)?,
        (None, _) => raw,
    };
    // `header` saw to it that this doesn't overflow.
    let needed = elements * dtype.size();
    if bytes.len() != needed {
        let held = bytes.len();
        return Err(malformed(format!("shape {shape:?} of {dtype} needs {needed} bytes, but raw_data has {held}")));
    }
    Tensor::new(dtype, shape, bytes).map_err(|e| malformed(e.to_string()))
}

/// Type, shape and number of elements.
fn header(place: &str, proto: &TensorProto) -> Result<(DType, Vec<usize>, usize)> {
    let malformed = |message: String| Error::Malformed { place: place.to_owned(), message };
    if proto.segment.is_some() {
        return Err(Error::Unsupported { place: place.to_owned(), message: "is stored in segments".into() });
    }
    let number = proto.data_type.unwrap_or_default();
    let dtype = dtype(number).ok_or_else(|| {
        let name = DataType::try_from(number).map_or_else(|_| number.to_string(), |t| t.as_str_name().to_lowercase());
        let message =
            format!("holds elements of type {name}; only floating point, integers up to 64 bits and bool are read");
        Error::Unsupported { place: place.to_owned(), message }
    })?;
    let shape = proto
        .dims
        .iter()
        .map(|d| usize::try_from(*d).map_err(|_| malformed(format!("has a dimension of {d}"))))
        .collect::<Result<Vec<usize>>>()?;
    let elements = shape
        .iter()
        .try_fold(1usize, |n, d| n.checked_mul(*d))
        .filter(|n| n.checked_mul(dtype.size()).is_some_and(|bytes| bytes <= isize::MAX as usize));
    let elements = elements.ok_or_else(|| malformed(format!("shape {shape:?} overflows")))?;
    Ok((dtype, shape, elements))
}

/// The element type of one of ONNX's numbers; `None` for those without a counterpart.
pub(crate) fn dtype(number: i32) -> Option<DType> {
    Some(match DataType::try_from(number).ok()? {
        DataType::Float => DType::F32,
        DataType::Double => DType::F64,
        DataType::Float16 => DType::F16,
        DataType::Bfloat16 => DType::BF16,
        DataType::Int64 => DType::I64,
        DataType::Int32 => DType::I32,
        DataType::Int16 => DType::I16,
        DataType::Int8 => DType::I8,
        DataType::Uint8 => DType::U8,
        DataType::Bool => DType::Bool,
        _ => return None,
    })
}

/// Little-endian bytes of the one field that holds values. 16-bit floats stand as bit patterns in `int32_data`.
fn from_fields(dtype: DType, proto: TensorProto) -> Result<Bytes, String> {
    fn narrow<T: TryFrom<i32>, const N: usize>(
        values: &[i32],
        dtype: DType,
        bytes: fn(T) -> [u8; N],
    ) -> Result<Bytes, String> {
        let mut out = Vec::with_capacity(values.len().saturating_mul(N));
        for value in values {
            let narrow = T::try_from(*value).map_err(|_| format!("{value} in int32_data is no {dtype}"))?;
            out.extend_from_slice(&bytes(narrow));
        }
        Ok(out.into())
    }
    let ints = &proto.int32_data;
    match dtype {
        DType::F32 => Ok(proto.float_data.iter().flat_map(|v| v.to_le_bytes()).collect()),
        DType::F64 => Ok(proto.double_data.iter().flat_map(|v| v.to_le_bytes()).collect()),
        DType::I64 => Ok(proto.int64_data.iter().flat_map(|v| v.to_le_bytes()).collect()),
        DType::I32 => narrow(ints, dtype, i32::to_le_bytes),
        DType::I16 => narrow(ints, dtype, i16::to_le_bytes),
        DType::I8 => narrow(ints, dtype, i8::to_le_bytes),
        DType::U8 => narrow(ints, dtype, u8::to_le_bytes),
        DType::F16 => narrow(ints, dtype, |bits: u16| f16::from_bits(bits).to_le_bytes()),
        DType::BF16 => narrow(ints, dtype, |bits: u16| bf16::from_bits(bits).to_le_bytes()),
        DType::Bool => match ints.iter().find(|v| !matches!(v, 0 | 1)) {
            Some(value) => Err(format!("{value} in int32_data is no bool")),
            None => narrow(ints, dtype, u8::to_le_bytes),
        },
    }
}

/// The external files of a model, each opened once.
struct Files<'a, 'b> {
    resolve: &'a mut Resolve<'b>,
    opened: BTreeMap<String, File>,
}

struct File {
    bytes: Bytes,
    /// What was taken from it, and by whom.
    taken: Vec<(Extent, String)>,
}

impl Files<'_, '_> {
    fn tensor(&mut self, name: &str, place: &str, proto: TensorProto) -> Result<Tensor> {
        let fault = |message: String| Error::External { initializer: name.escape_debug().to_string(), message };
        let (dtype, shape, elements) = header(place, &proto)?;
        let typed = proto.float_data.len() + proto.int32_data.len() + proto.int64_data.len();
        let typed = typed + proto.double_data.len() + proto.uint64_data.len() + proto.string_data.len();
        if typed > 0 || proto.raw_data.as_ref().is_some_and(|raw| !raw.is_empty()) {
            return Err(fault("the model holds data for it as well".into()));
        }
        let needed = elements as u64 * dtype.size() as u64;
        let (location, offset, length) = external_data(&proto.external_data).map_err(fault)?;
        external::check_location(location).map_err(fault)?;
        if length.is_some_and(|length| length != needed) {
            let length = length.unwrap_or_default();
            return Err(fault(format!("its length is {length} bytes, but {shape:?} of {dtype} needs {needed}")));
        }
        if !self.opened.contains_key(location) {
            let bytes = (self.resolve)(location).map_err(|e| fault(format!("`{location}`: {e}")))?;
            self.opened.insert(location.to_owned(), File { bytes, taken: Vec::new() });
        }
        let Some(file) = self.opened.get_mut(location) else {
            return Err(fault(format!("`{location}` isn't open")));
        };
        let size = file.bytes.len() as u64;
        let end = offset.checked_add(needed).filter(|end| *end <= size).ok_or_else(|| {
            fault(format!("{needed} bytes from offset {offset} on reach beyond `{location}`, which has {size}"))
        })?;
        if needed > 0 {
            file.taken.push((Extent { offset, length: needed }, name.to_owned()));
        }
        // Both ends lie within the file, whose length is a usize.
        let bytes = file.bytes.slice(offset as usize..end as usize);
        Tensor::new(dtype, shape, bytes).map_err(|e| fault(e.to_string()))
    }

    /// Two initializers may share their bytes; that they share some of them is no layout that a writer makes.
    fn check_overlaps(mut self) -> Result<()> {
        for (location, file) in &mut self.opened {
            file.taken.sort_by_key(|(extent, _)| (extent.offset, extent.length));
            for pair in file.taken.windows(2) {
                let [(a, first), (b, second)] = pair else { continue };
                if a != b && a.offset + a.length > b.offset {
                    return Err(Error::External {
                        initializer: second.escape_debug().to_string(),
                        message: format!("overlaps `{}` in `{location}`", first.escape_debug()),
                    });
                }
            }
        }
        Ok(())
    }
}

/// Location, offset and length of an initializer's external data.
fn external_data(entries: &[StringStringEntryProto]) -> Result<(&str, u64, Option<u64>), String> {
    let get = |key: &str| {
        let mut found = entries.iter().filter(|entry| entry.key() == key);
        match (found.next(), found.next()) {
            (Some(_), Some(_)) => Err(format!("there are two entries `{key}`")),
            (entry, _) => Ok(entry.map(StringStringEntryProto::value)),
        }
    };
    let number = |key: &str| match get(key)? {
        None => Ok(None),
        // `parse` would take a sign.
        Some(text) if text.bytes().all(|b| b.is_ascii_digit()) => {
            text.parse::<u64>().map(Some).map_err(|_| format!("its {key} is `{text}`, which is no 64-bit number"))
        }
        Some(text) => Err(format!("its {key} is `{}`, which is no number of bytes", text.escape_debug())),
    };
    let location = get("location")?.ok_or("it has no location")?;
    Ok((location, number("offset")?.unwrap_or(0), number("length")?))
}

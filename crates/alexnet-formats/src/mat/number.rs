use super::element::{DOUBLE, Element, INT8, INT16, INT32, INT64, SINGLE, UINT8, UINT16, UINT32, UINT64};
use super::header::Order;
use super::inflate::Budget;
use crate::{Error, Result};
use alexnet_spec::{DType, Tensor};
use bytes::Bytes;

/// The class of an array of numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    Double,
    Single,
    Int8,
    UInt8,
    Int16,
    UInt16,
    Int32,
    UInt32,
    Int64,
    UInt64,
    Logical,
}

impl Class {
    /// The narrowest type of ours that holds all its values. Unsigned 64-bit integers above the signed ones' range are refused
    /// when they come.
    pub fn dtype(self) -> DType {
        match self {
            Class::Double => DType::F64,
            Class::Single => DType::F32,
            Class::Int8 => DType::I8,
            Class::UInt8 => DType::U8,
            Class::Int16 => DType::I16,
            Class::UInt16 | Class::Int32 => DType::I32,
            Class::UInt32 | Class::Int64 | Class::UInt64 => DType::I64,
            Class::Logical => DType::Bool,
        }
    }
}

/// A stored number, exact.
#[derive(Clone, Copy)]
enum Number {
    Float(f64),
    Integer(i128),
}

/// How numbers of one of the types of elements lie in the file.
struct Stored {
    size: usize,
    /// The type of ours with the same bytes, but for their order.
    dtype: Option<DType>,
    read: fn(Order, &[u8]) -> Option<Number>,
}

fn stored(kind: u32) -> Option<Stored> {
    macro_rules! stored {
        ($size:literal, $dtype:expr, |$order:ident, $bytes:ident| $number:expr) => {
            Stored {
                size: $size,
                dtype: $dtype,
                read: |$order, bytes| {
                    let $bytes: [u8; $size] = bytes.try_into().ok()?;
                    Some($number)
                },
            }
        };
    }
    use Number::{Float, Integer};
    Some(match kind {
        INT8 => stored!(1, Some(DType::I8), |_o, b| Integer(i8::from_le_bytes(b).into())),
        UINT8 => stored!(1, Some(DType::U8), |_o, b| Integer(u8::from_le_bytes(b).into())),
        INT16 => stored!(2, Some(DType::I16), |o, b| Integer(o.u16(b).cast_signed().into())),
        UINT16 => stored!(2, None, |o, b| Integer(o.u16(b).into())),
        INT32 => stored!(4, Some(DType::I32), |o, b| Integer(o.u32(b).cast_signed().into())),
        UINT32 => stored!(4, None, |o, b| Integer(o.u32(b).into())),
        INT64 => stored!(8, Some(DType::I64), |o, b| Integer(o.u64(b).cast_signed().into())),
        UINT64 => stored!(8, None, |o, b| Integer(o.u64(b).into())),
        SINGLE => stored!(4, Some(DType::F32), |o, b| Float(f32::from_bits(o.u32(b)).into())),
        DOUBLE => stored!(8, Some(DType::F64), |o, b| Float(f64::from_bits(o.u64(b)))),
        _ => return None,
    })
}

/// The array of `shape` and `class` whose numbers are `element`'s, column by column.
///
/// MATLAB stores numbers in the smallest type that holds them all: those are converted to their class. The others are a view.
pub(super) fn array(
    class: Class,
    shape: Vec<usize>,
    element: &Element,
    order: Order,
    budget: &mut Budget,
) -> Result<Tensor> {
    let count = elements(&shape)?;
    let Some(stored) = stored(element.kind) else {
        return Err(Error::malformed(format!("numbers in an element of type {}", element.kind)));
    };
    if count.checked_mul(stored.size) != Some(element.bytes.len()) {
        return Err(Error::malformed(format!(
            "{count} numbers of {} bytes each, but there are {} bytes",
            stored.size,
            element.bytes.len()
        ))
        .with_remedy("getting the file again: it is damaged"));
    }
    let dtype = class.dtype();
    let bytes = match stored.dtype == Some(dtype) && (order == Order::Little || stored.size == 1) {
        true => element.bytes.clone(),
        false => {
            let size = count.saturating_mul(dtype.size());
            budget.spend(size as u64)?;
            let mut bytes = Vec::with_capacity(size);
            for number in element.bytes.chunks_exact(stored.size) {
                (stored.read)(order, number)
                    .and_then(|number| put(number, dtype, &mut bytes))
                    .ok_or_else(|| Error::malformed(format!("a number that is none of type {dtype}")))?;
            }
            bytes.into()
        }
    };
    column_major(dtype, shape, bytes)
}

/// A view of `bytes` in which the first index runs fastest.
pub(super) fn column_major(dtype: DType, shape: Vec<usize>, bytes: Bytes) -> Result<Tensor> {
    let (mut strides, mut step) = (Vec::with_capacity(shape.len()), 1isize);
    for size in &shape {
        strides.push(step);
        let next = isize::try_from((*size).max(1)).ok().and_then(|size| step.checked_mul(size));
        step = next.ok_or_else(|| Error::malformed(format!("dimensions {shape:?} overflow")))?;
    }
    Ok(Tensor::strided(dtype, shape, strides, 0, bytes)?)
}

/// The product of the dimensions.
pub(super) fn elements(shape: &[usize]) -> Result<usize> {
    let product = shape.iter().try_fold(1usize, |product, size| product.checked_mul(*size));
    product.ok_or_else(|| Error::malformed(format!("dimensions {shape:?} overflow")))
}

fn put(number: Number, dtype: DType, out: &mut Vec<u8>) -> Option<()> {
    let float = || match number {
        Number::Float(float) => float,
        Number::Integer(integer) => integer as f64,
    };
    let integer = || match number {
        Number::Integer(integer) => Some(integer),
        Number::Float(float) => (float.fract() == 0.0 && float.abs() < 9e15).then_some(float as i128),
    };
    match dtype {
        DType::F64 => out.extend_from_slice(&float().to_le_bytes()),
        DType::F32 => out.extend_from_slice(&(float() as f32).to_le_bytes()),
        DType::I64 => out.extend_from_slice(&i64::try_from(integer()?).ok()?.to_le_bytes()),
        DType::I32 => out.extend_from_slice(&i32::try_from(integer()?).ok()?.to_le_bytes()),
        DType::I16 => out.extend_from_slice(&i16::try_from(integer()?).ok()?.to_le_bytes()),
        DType::I8 => out.extend_from_slice(&i8::try_from(integer()?).ok()?.to_le_bytes()),
        DType::U8 => out.push(u8::try_from(integer()?).ok()?),
        DType::Bool => out.push(u8::from(float() != 0.0)),
        DType::F16 | DType::BF16 => return None,
    }
    Some(())
}

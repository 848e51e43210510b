//! NumPy arrays as NumPy pickles them, from 1.x to 2.x and Python 2 to 3: `_reconstruct` and a state, or `_frombuffer`.

use super::heap::{Heap, Object, Value};
use super::reduce::arity;
use super::storage::Element;
use crate::{Error, Result};
use alexnet_spec::DType;

/// A `numpy.dtype`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ArrayType {
    /// `None`: not a plain number (objects, strings, records).
    pub element: Option<Element>,
    pub objects: bool,
    pub big_endian: bool,
}

impl ArrayType {
    /// The type that NumPy calls `code`: `f4`, `<f4`, `>i8`, `O8`, ...
    pub fn of_code(code: &str) -> ArrayType {
        let (big_endian, plain) = match code.as_bytes().first() {
            Some(b'>') => (true, code.get(1..)),
            Some(b'<' | b'|' | b'=') => (false, code.get(1..)),
            _ => (false, Some(code)),
        };
        let element = match plain.unwrap_or_default() {
            "f8" => Some(Element::Plain(DType::F64)),
            "f4" => Some(Element::Plain(DType::F32)),
            "f2" => Some(Element::Plain(DType::F16)),
            "i8" => Some(Element::Plain(DType::I64)),
            "i4" => Some(Element::Plain(DType::I32)),
            "i2" => Some(Element::Plain(DType::I16)),
            "i1" => Some(Element::Plain(DType::I8)),
            "u1" => Some(Element::Plain(DType::U8)),
            "b1" => Some(Element::Plain(DType::Bool)),
            "u2" => Some(Element::Other("uint16", 2)),
            "u4" => Some(Element::Other("uint32", 4)),
            "u8" => Some(Element::Other("uint64", 8)),
            "c8" => Some(Element::Other("complex64", 8)),
            "c16" => Some(Element::Other("complex128", 16)),
            _ => None,
        };
        ArrayType { element, objects: plain.is_some_and(|plain| plain.starts_with('O')), big_endian }
    }
}

/// A `numpy.ndarray`. Nothing of it has been held against its bytes yet.
#[derive(Clone, Debug)]
pub(crate) struct Array {
    pub shape: Vec<i64>,
    pub kind: ArrayType,
    /// Whether the first index runs fastest.
    pub fortran: bool,
    /// `None` until `BUILD` brings it.
    pub data: Option<ArrayData>,
}

/// What an array holds.
#[derive(Clone, Copy, Debug)]
pub(crate) enum ArrayData {
    /// A byte string.
    Bytes(Value),
    /// A list of objects.
    Objects(Value),
}

/// What the global `module.name` makes of `args` if it is one of NumPy's; `None` where it isn't.
pub(super) fn call(
    heap: &mut Heap,
    class: Value,
    (module, name): (&str, &str),
    args: &[Value],
) -> Result<Option<Value>> {
    let made = match (module, name) {
        ("numpy.core.multiarray" | "numpy._core.multiarray", "_reconstruct") => match args {
            [class, _, _] if matches!(heap.global(*class), Some(("numpy", "ndarray" | "matrix"))) => {
                let kind = ArrayType { element: None, objects: false, big_endian: false };
                Object::Array(Box::new(Array { shape: Vec::new(), kind, fortran: false, data: None }))
            }
            [_, _, _] => return Ok(None),
            _ => return Err(arity(heap, class, "3 arguments", args.len())),
        },
        ("numpy.core.numeric" | "numpy._core.numeric", "_frombuffer") => match args {
            [buffer, kind, shape, order] => {
                let fortran = heap.str(*order) == Some("F");
                let Some(Object::ArrayType(kind)) = heap.get(*kind) else {
                    return Err(Error::malformed(format!("an array of type {}", heap.describe(*kind))));
                };
                let (kind, shape) = (*kind, shape_of(heap, *shape)?);
                Object::Array(Box::new(Array { shape, kind, fortran, data: Some(bytes_of(heap, *buffer)?) }))
            }
            _ => return Err(arity(heap, class, "4 arguments", args.len())),
        },
        // A jax.Array: the call that would make NumPy's array, its arguments, the array's state, and JAX's own.
        ("jax._src.array" | "jax._src.device_array", "_reconstruct_array" | "reconstruct_device_array") => match args {
            [function, arguments, state, _] => {
                let arguments = heap.tuple(*arguments).unwrap_or_default().to_vec();
                let numpy = heap.global(*function).map(|(module, name)| (module.to_owned(), name.to_owned()));
                let made = match numpy {
                    Some((module, name)) if name == "_reconstruct" => {
                        call(heap, *function, (&module, &name), &arguments)?
                    }
                    _ => None,
                };
                if let Some(array) = made {
                    build(heap, array, *state)?;
                }
                return Ok(made);
            }
            _ => return Err(arity(heap, class, "4 arguments", args.len())),
        },
        ("numpy", "dtype") => match args {
            [code, ..] if heap.global(*code) == Some(("ml_dtypes", "bfloat16")) => {
                let element = Some(Element::Plain(DType::BF16));
                Object::ArrayType(ArrayType { element, objects: false, big_endian: false })
            }
            [code, ..] => Object::ArrayType(ArrayType::of_code(heap.str(*code).unwrap_or_default())),
            [] => return Err(arity(heap, class, "a type", 0)),
        },
        // NumPy 1.20 to 2.x pickle each type under a class of its own.
        ("numpy.dtypes", _) => {
            Object::ArrayType(ArrayType { element: None, objects: name == "ObjectDType", big_endian: false })
        }
        _ => return Ok(None),
    };
    heap.make(made).map(Some)
}

/// The state of a `dtype`: version, byte order, and what only records have.
pub(super) fn build_type(heap: &mut Heap, target: Value, state: Value) -> Result<()> {
    let order = match heap.tuple(state) {
        Some([_, order, ..]) => heap.str(*order).map(str::to_owned),
        _ => None,
    };
    let big_endian = match order.as_deref() {
        Some(">") => true,
        Some("<" | "|" | "=") => false,
        _ => return Err(Error::malformed("an array's type without its byte order")),
    };
    if let Some(Object::ArrayType(kind)) = heap.get_mut(target) {
        kind.big_endian = big_endian;
    }
    Ok(())
}

/// The state of an `ndarray`: version (not in the oldest), shape, type, whether it is in Fortran's order, content.
pub(super) fn build(heap: &mut Heap, target: Value, state: Value) -> Result<()> {
    let (shape, kind, fortran, data) = match heap.tuple(state) {
        Some([_, shape, kind, fortran, data] | [shape, kind, fortran, data]) => (*shape, *kind, *fortran, *data),
        _ => return Err(Error::malformed(format!("an array is given {} for its state", heap.describe(state)))),
    };
    let Some(Object::ArrayType(kind)) = heap.get(kind) else {
        return Err(Error::malformed(format!("an array of type {}", heap.describe(kind))));
    };
    let fortran = match fortran {
        Value::Bool(fortran) => fortran,
        Value::Int(fortran) => fortran != 0,
        _ => return Err(Error::malformed("an array that doesn't say its order")),
    };
    let kind = *kind;
    let data = match heap.get(data) {
        Some(Object::List(_)) if kind.objects => ArrayData::Objects(data),
        _ => bytes_of(heap, data)?,
    };
    let shape = shape_of(heap, shape)?;
    match heap.get_mut(target) {
        Some(Object::Array(array)) if array.data.is_none() => {
            **array = Array { shape, kind, fortran, data: Some(data) };
            Ok(())
        }
        _ => Err(Error::malformed("an array is given a state twice")),
    }
}

fn bytes_of(heap: &Heap, data: Value) -> Result<ArrayData> {
    match heap.bytes(data) {
        Some(_) => Ok(ArrayData::Bytes(data)),
        None => Err(Error::malformed(format!("an array with {} for its content", heap.describe(data)))),
    }
}

fn shape_of(heap: &Heap, shape: Value) -> Result<Vec<i64>> {
    let limit = heap.limits().dimensions;
    let items =
        heap.tuple(shape).ok_or_else(|| Error::malformed(format!("a shape that is {}", heap.describe(shape))))?;
    if items.len() > limit {
        return Err(Error::limit("dimensions", format!("an array of {} dimensions", items.len()), limit));
    }
    let sizes = items.iter().map(|item| match item {
        Value::Int(size) if *size >= 0 => Ok(*size),
        _ => Err(Error::malformed("an array with a size that is none")),
    });
    sizes.collect()
}

//! One array as `NDArray::Save` of MXNet's `src/ndarray/ndarray.cc` writes it. The first word tells the version; in the oldest
//! files, which have none, it is the number of dimensions.

use crate::input::Input;
use crate::{Error, Limits, Result};
use alexnet_spec::{DType, Tensor};

/// Since 1.5, where NumPy's shapes are on: no dimensions are a scalar, and -1 of them nothing.
const V3: u32 = 0xf993_faca;
/// Since 0.12: storage may be sparse.
const V2: u32 = 0xf993_fac9;
/// Since 0.9: sizes of 64 bits.
const V1: u32 = 0xf993_fac8;

/// What an array of a file is.
#[derive(Debug)]
pub(crate) enum Array {
    Tensor(Tensor),
    /// One that isn't converted, and why.
    Unreadable(String),
    /// An array that was never given a shape.
    Nothing,
}

/// Reads the next array. Its elements stay where they are.
pub(super) fn read(input: &mut Input, limits: &Limits) -> Result<Array> {
    let magic = u32::from_le_bytes(input.array()?);
    match magic {
        V2 | V3 => match i32::from_le_bytes(input.array()?) {
            0 => {
                let dimensions = i32::from_le_bytes(input.array()?);
                match (dimensions, magic) {
                    (-1, V3) | (0, V2) => Ok(Array::Nothing),
                    _ => dense(input, dimensions.into(), &wide, limits),
                }
            }
            1 => sparse(input, 1, limits),
            2 => sparse(input, 2, limits),
            other => Err(Error::malformed(format!("storage of the unknown kind {other}"))),
        },
        V1 => match u32::from_le_bytes(input.array()?) {
            0 => Ok(Array::Nothing),
            dimensions => dense(input, dimensions.into(), &wide, limits),
        },
        0 => Ok(Array::Nothing),
        dimensions => dense(input, dimensions.into(), &narrow, limits),
    }
}

/// How one size is written.
type Size = dyn Fn(&mut Input) -> Result<i64>;

fn wide(input: &mut Input) -> Result<i64> {
    Ok(i64::from_le_bytes(input.array()?))
}

fn narrow(input: &mut Input) -> Result<i64> {
    Ok(u32::from_le_bytes(input.array()?).into())
}

/// Shape, where it was computed, element type, elements.
fn dense(input: &mut Input, dimensions: i64, size: &Size, limits: &Limits) -> Result<Array> {
    let shape = sizes(input, dimensions, size, limits)?;
    let [_, _] = context(input)?;
    let kind = Kind::of(input)?;
    let bytes = input.take(kind.bytes(&shape)?, "an array's elements")?;
    Ok(match kind.dtype {
        Some(dtype) => Array::Tensor(Tensor::new(dtype, shape, bytes)?),
        None => {
            Array::Unreadable(format!("of type {}, which weights aren't made of; convert it to float32", kind.name))
        }
    })
}

/// Steps over an array of stored rows (`row_sparse`, one array of indices) or of stored elements (`csr`, two).
fn sparse(input: &mut Input, indices: usize, limits: &Limits) -> Result<Array> {
    let shape = |input: &mut Input| {
        let dimensions = i32::from_le_bytes(input.array()?);
        sizes(input, dimensions.into(), &wide, limits)
    };
    let stored = shape(input)?;
    if shape(input)?.is_empty() {
        return Ok(Array::Nothing);
    }
    let [_, _] = context(input)?;
    let kind = Kind::of(input)?;
    let mut aux = Vec::new();
    for _ in 0..indices {
        let kind = Kind::of(input)?;
        aux.push((kind, shape(input)?));
    }
    for (kind, shape) in std::iter::once((kind, stored)).chain(aux) {
        input.take(kind.bytes(&shape)?, "a sparse array's elements")?;
    }
    Ok(Array::Unreadable("sparse; try saving it after .tostype('default')".into()))
}

fn sizes(input: &mut Input, dimensions: i64, size: &Size, limits: &Limits) -> Result<Vec<usize>> {
    let count =
        usize::try_from(dimensions).map_err(|_| Error::malformed(format!("an array of {dimensions} dimensions")))?;
    if count > limits.dimensions {
        return Err(Error::limit("dimensions", format!("an array of {count} dimensions"), limits.dimensions));
    }
    (0..count)
        .map(|_| {
            let size = size(input)?;
            usize::try_from(size).map_err(|_| Error::malformed(format!("an array with the size {size}")))
        })
        .collect()
}

/// The device and its number: where the array was, which is no matter.
fn context(input: &mut Input) -> Result<[i32; 2]> {
    Ok([i32::from_le_bytes(input.array()?), i32::from_le_bytes(input.array()?)])
}

/// An element type by mshadow's number.
#[derive(Clone, Copy)]
struct Kind {
    name: &'static str,
    dtype: Option<DType>,
    size: u64,
}

impl Kind {
    fn of(input: &mut Input) -> Result<Kind> {
        let plain = |name, dtype: DType| Kind { name, dtype: Some(dtype), size: dtype.size() as u64 };
        let other = |name, size| Kind { name, dtype: None, size };
        Ok(match i32::from_le_bytes(input.array()?) {
            0 => plain("float32", DType::F32),
            1 => plain("float64", DType::F64),
            2 => plain("float16", DType::F16),
            3 => plain("uint8", DType::U8),
            4 => plain("int32", DType::I32),
            5 => plain("int8", DType::I8),
            6 => plain("int64", DType::I64),
            7 => plain("bool", DType::Bool),
            8 => plain("int16", DType::I16),
            9 => other("uint16", 2),
            10 => other("uint32", 4),
            11 => other("uint64", 8),
            12 => plain("bfloat16", DType::BF16),
            number => return Err(Error::malformed(format!("an array of the unknown element type {number}"))),
        })
    }

    /// How many bytes an array of this type takes.
    fn bytes(self, shape: &[usize]) -> Result<u64> {
        shape
            .iter()
            .try_fold(self.size, |bytes, size| bytes.checked_mul(*size as u64))
            .ok_or_else(|| Error::malformed(format!("the sizes of an array of shape {shape:?} overflow")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Kind;

    fn parse(bytes: Vec<u8>) -> Result<(Array, usize)> {
        let mut input = Input::new(bytes.into());
        let array = read(&mut input, &Limits::default())?;
        Ok((array, input.left()))
    }

    fn words(words: &[u32]) -> Vec<u8> {
        words.iter().flat_map(|word| word.to_le_bytes()).collect()
    }

    /// Shape, context (CPU 0), element type float32, the elements 1 and 2.
    fn tail(shape: &[u32]) -> Vec<u32> {
        [shape, &[1, 0, 0, 0x3f80_0000, 0x4000_0000]].concat()
    }

    #[test]
    fn every_version_holds_the_same_array() {
        let versions = [
            ("oldest", [vec![1], tail(&[2])].concat()),
            ("V1", [vec![V1, 1], tail(&[2, 0])].concat()),
            ("V2", [vec![V2, 0, 1], tail(&[2, 0])].concat()),
            ("V3", [vec![V3, 0, 1], tail(&[2, 0])].concat()),
        ];
        for (version, written) in versions {
            let (Array::Tensor(tensor), 0) = parse(words(&written)).unwrap() else { panic!("{version}") };
            assert_eq!((tensor.shape(), tensor.to_f32().unwrap()), (&[2][..], vec![1.0, 2.0]), "{version}");
        }
    }

    #[test]
    fn no_dimensions_are_a_scalar_in_version_3_and_nothing_before() {
        let (Array::Tensor(scalar), 4) = parse(words(&[vec![V3, 0, 0], tail(&[])].concat())).unwrap() else { panic!() };
        assert_eq!((scalar.shape(), scalar.to_f32().unwrap()), (&[][..], vec![1.0]));
        for nothing in [vec![V3, 0, u32::MAX], vec![V2, 0, 0], vec![V1, 0], vec![0]] {
            let (Array::Nothing, 0) = parse(words(&nothing)).unwrap() else { panic!("{nothing:x?}") };
        }
    }

    #[test]
    fn what_no_array_can_be_is_an_error() {
        let cases = [
            ("cut off", [vec![V2, 0, 1], tail(&[3, 0])].concat(), Kind::Malformed, "12 bytes, but 8 are left"),
            ("negative size", vec![V2, 0, 1, u32::MAX, u32::MAX], Kind::Malformed, "the size -1"),
            ("overflow", vec![V2, 0, 2, 0, 1 << 30, 0, 1 << 30, 1, 0, 0], Kind::Malformed, "overflow"),
            ("negative dimensions", vec![V3, 0, u32::MAX - 1], Kind::Malformed, "-2 dimensions"),
            ("many dimensions", vec![33], Kind::Limit, "dimensions"),
            ("element type", [vec![V1, 1, 2, 0], vec![1, 0, 99]].concat(), Kind::Malformed, "element type 99"),
            ("storage", vec![V2, 7], Kind::Malformed, "unknown kind 7"),
        ];
        for (what, written, kind, says) in cases {
            let error = parse(words(&written)).expect_err(what);
            assert!(error.kind() == kind && error.to_string().contains(says), "{what}: {error}");
        }
    }
}

use super::object::Storage;
use crate::input::Input;
use crate::{Error, Limits, Result};
use alexnet_spec::{DType, Tensor};

/// The element type of a class such as `torch.FloatTensor` or `torch.CudaHalfStorage`, whose name ends with `kind`.
pub(super) fn element(class: &str, kind: &str) -> Option<DType> {
    let name = class.strip_prefix("torch.")?.strip_suffix(kind)?;
    Some(match name.strip_prefix("Cuda").unwrap_or(name) {
        // cutorch's first class has single precision and no name for it.
        "" if name == "Cuda" => DType::F32,
        "Float" => DType::F32,
        "Double" => DType::F64,
        "Half" => DType::F16,
        "Long" => DType::I64,
        "Int" => DType::I32,
        "Short" => DType::I16,
        "Char" => DType::I8,
        "Byte" => DType::U8,
        _ => return None,
    })
}

/// How a tensor lies in its storage, before that has been read.
pub(super) struct View {
    dtype: DType,
    sizes: Vec<i64>,
    strides: Vec<i64>,
    /// From 1 on.
    offset: i64,
}

impl View {
    /// Written by `torch_Tensor_(write)`: dimensions, sizes, strides, offset.
    pub fn read(input: &mut Input, dtype: DType, limits: &Limits) -> Result<View> {
        let rank = i32::from_le_bytes(input.array()?);
        let rank = usize::try_from(rank).map_err(|_| Error::malformed(format!("a tensor of {rank} dimensions")))?;
        if rank > limits.dimensions {
            return Err(Error::limit("dimensions", format!("a tensor of {rank} dimensions"), limits.dimensions));
        }
        let mut numbers = |count: usize| (0..count).map(|_| Ok(i64::from_le_bytes(input.array()?))).collect();
        let (sizes, strides): (Result<Vec<i64>>, Result<Vec<i64>>) = (numbers(rank), numbers(rank));
        Ok(View { dtype, sizes: sizes?, strides: strides?, offset: i64::from_le_bytes(input.array()?) })
    }

    /// The tensor as a view of its storage; in words why it can't be one of ours.
    ///
    /// Errs where it reaches outside of it.
    pub fn of(self, storage: Option<&Storage>) -> Result<Result<Tensor, String>> {
        // A tensor without dimensions is empty, and a network that was cleared before it was saved is full of them.
        if self.sizes.is_empty() {
            return Ok(Err("is empty".to_owned()));
        }
        let Some(storage) = storage else { return Ok(Err("has no storage".to_owned())) };
        if storage.dtype != self.dtype {
            let message = format!("a tensor of {} in a storage of {}", self.dtype, storage.dtype);
            return Err(Error::malformed(message));
        }
        let odd = || Error::malformed(format!("a tensor of sizes {:?} from element {} on", self.sizes, self.offset));
        let size = |size: &i64| usize::try_from(*size).ok().filter(|size| *size > 0);
        let shape: Vec<usize> = self.sizes.iter().map(size).collect::<Option<_>>().ok_or_else(odd)?;
        let stride = |stride: &i64| isize::try_from(*stride).ok().filter(|stride| *stride >= 0);
        let strides: Vec<isize> = self
            .strides
            .iter()
            .map(stride)
            .collect::<Option<_>>()
            .ok_or_else(|| Error::malformed(format!("a tensor with strides {:?}", self.strides)))?;
        let offset = self.offset.checked_sub(1).and_then(|offset| usize::try_from(offset).ok()).ok_or_else(odd)?;
        let tensor = Tensor::strided(self.dtype, shape, strides, offset, storage.bytes.clone())?;
        let there = storage.bytes.len().checked_div(self.dtype.size()).unwrap_or_default();
        if tensor.elements() > there {
            return Err(Error::malformed(format!(
                "a tensor that shows {} elements of the {there} in its storage",
                tensor.elements()
            )));
        }
        Ok(Ok(tensor))
    }
}

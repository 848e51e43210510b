use alexnet_spec as spec;
use candle_core::{DType, Device, Result, Tensor, bail};
use half::{bf16, f16};

/// A tensor's elements while they arrive in pieces. They are converted on arrival, so that the weights are held once.
pub(super) enum Elements {
    F64(Vec<f64>),
    F32(Vec<f32>),
    F16(Vec<f16>),
    BF16(Vec<bf16>),
}

impl Elements {
    pub(super) fn with_capacity(dtype: DType, elements: usize) -> Result<Elements> {
        Ok(match dtype {
            DType::F64 => Elements::F64(with_capacity(elements)),
            DType::F32 => Elements::F32(with_capacity(elements)),
            DType::F16 => Elements::F16(with_capacity(elements)),
            DType::BF16 => Elements::BF16(with_capacity(elements)),
            other => return unsupported(other),
        })
    }

    /// As many zeros, to be overwritten: see [`Elements::bytes_mut`].
    pub(super) fn zeros(dtype: DType, elements: usize) -> Result<Elements> {
        Ok(match dtype {
            DType::F64 => Elements::F64(zeros(elements)),
            DType::F32 => Elements::F32(zeros(elements)),
            DType::F16 => Elements::F16(zeros(elements)),
            DType::BF16 => Elements::BF16(zeros(elements)),
            other => return unsupported(other),
        })
    }

    /// The elements' bytes, in the processor's order.
    pub(super) fn bytes_mut(&mut self) -> &mut [u8] {
        match self {
            Elements::F64(values) => bytemuck::cast_slice_mut(values),
            Elements::F32(values) => bytemuck::cast_slice_mut(values),
            Elements::F16(values) => bytemuck::cast_slice_mut(values),
            Elements::BF16(values) => bytemuck::cast_slice_mut(values),
        }
    }

    /// Appends all elements of `tensor` in row-major order.
    ///
    /// Errs where `tensor` isn't floating point, or a value isn't finite in the type held here.
    pub(super) fn extend(&mut self, tensor: &spec::Tensor) -> spec::Result<()> {
        let dtype = match self {
            Elements::F64(_) => spec::DType::F64,
            Elements::F32(_) => spec::DType::F32,
            Elements::F16(_) => spec::DType::F16,
            Elements::BF16(_) => spec::DType::BF16,
        };
        tensor.for_each_chunk(dtype, &mut |bytes| {
            match self {
                Elements::F64(values) => values.extend(bytes.as_chunks().0.iter().map(|b| f64::from_le_bytes(*b))),
                Elements::F32(values) => values.extend(bytes.as_chunks().0.iter().map(|b| f32::from_le_bytes(*b))),
                Elements::F16(values) => values.extend(bytes.as_chunks().0.iter().map(|b| f16::from_le_bytes(*b))),
                Elements::BF16(values) => values.extend(bytes.as_chunks().0.iter().map(|b| bf16::from_le_bytes(*b))),
            }
            Ok(())
        })
    }

    /// The tensor on its device; on a CPU the elements stay where they are.
    pub(super) fn into_tensor(self, shape: &[usize], device: &Device) -> Result<Tensor> {
        match self {
            Elements::F64(values) => Tensor::from_vec(values, shape, device),
            Elements::F32(values) => Tensor::from_vec(values, shape, device),
            Elements::F16(values) => Tensor::from_vec(values, shape, device),
            Elements::BF16(values) => Tensor::from_vec(values, shape, device),
        }
    }
}

/// Memory from which a CPU reads weights fast.
fn with_capacity<T>(elements: usize) -> Vec<T> {
    let mut values = Vec::with_capacity(elements);
    alexnet_cpu::prefer_huge_pages(values.spare_capacity_mut());
    values
}

/// The same, filled with zeros that the system provides when they are first touched.
fn zeros<T: bytemuck::Zeroable>(elements: usize) -> Vec<T> {
    let mut values = bytemuck::zeroed_vec(elements);
    alexnet_cpu::prefer_huge_pages(&mut values);
    values
}

fn unsupported(dtype: DType) -> Result<Elements> {
    bail!("weights can't be held as {dtype:?}: try f32, f16, bf16 or f64")
}

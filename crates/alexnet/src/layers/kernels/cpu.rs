use super::Real;
use candle_core::backend::BackendStorage;
use candle_core::{CpuStorage, DType, Layout, Result, WithDType, bail};
use half::vec::HalfFloatVecExt;
use half::{bf16, f16, slice::HalfFloatSliceExt};
use std::borrow::Cow;

/// A computation on the row-major elements of `N` tensors of one type.
pub(in crate::layers) trait Kernel<const N: usize> {
    fn run<T: Real>(&self, inputs: [&[T]; N]) -> Vec<T>;
}

/// Runs a kernel on CPU storages of any floating point type. 16-bit types compute in f32.
pub(in crate::layers) fn run<const N: usize>(
    kernel: &impl Kernel<N>,
    inputs: [(&CpuStorage, &Layout); N],
) -> Result<CpuStorage> {
    match inputs.first().map(|(storage, _)| storage.dtype()) {
        Some(DType::F32) => Ok(CpuStorage::F32(on(kernel, inputs.map(|(s, l)| elements(s, l)))?)),
        Some(DType::F64) => Ok(CpuStorage::F64(on(kernel, inputs.map(|(s, l)| elements(s, l)))?)),
        Some(DType::F16) => {
            let wide = inputs.map(|(s, l)| Ok(Cow::Owned(elements::<f16>(s, l)?.to_f32_vec())));
            Ok(CpuStorage::F16(Vec::from_f32_slice(&on(kernel, wide)?)))
        }
        Some(DType::BF16) => {
            let wide = inputs.map(|(s, l)| Ok(Cow::Owned(elements::<bf16>(s, l)?.to_f32_vec())));
            Ok(CpuStorage::BF16(Vec::from_f32_slice(&on(kernel, wide)?)))
        }
        other => bail!("needs floating point input, not {other:?}"),
    }
}

fn on<T: Real, const N: usize>(kernel: &impl Kernel<N>, inputs: [Result<Cow<[T]>>; N]) -> Result<Vec<T>> {
    let inputs = inputs.into_iter().collect::<Result<Vec<_>>>()?;
    Ok(kernel.run(std::array::from_fn(|i| inputs[i].as_ref())))
}

/// The elements in row-major order. The layers make their inputs contiguous before they apply an operation.
fn elements<'a, T: WithDType>(storage: &'a CpuStorage, layout: &Layout) -> Result<Cow<'a, [T]>> {
    match layout.contiguous_offsets() {
        Some((start, end)) => Ok(Cow::Borrowed(&storage.as_slice::<T>()?[start..end])),
        None => bail!("needs a contiguous tensor: try `x.contiguous()`"),
    }
}

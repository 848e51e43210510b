use candle_core::{DType, Result, Tensor};

/// The type in which a layer of `dtype` computes: 16-bit types compute in f32.
pub(super) fn wide(dtype: DType) -> DType {
    match dtype {
        DType::F16 | DType::BF16 => DType::F32,
        other => other,
    }
}

/// Runs `f` on `x` in the [`wide`] type and rounds its result back to `x`'s own.
pub(super) fn widened(x: &Tensor, f: impl FnOnce(&Tensor) -> Result<Tensor>) -> Result<Tensor> {
    let dtype = x.dtype();
    f(&x.to_dtype(wide(dtype))?)?.to_dtype(dtype)
}

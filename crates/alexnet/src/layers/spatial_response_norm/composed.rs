use crate::layers::{power::power, precision::widened};
use alexnet_spec::layers as spec;
use candle_core::{Result, Tensor};

/// The norm from candle's own operations: for devices without a kernel of ours, and to check the kernels against.
///
/// Errs where `x` isn't `[N, C, H, W]`.
pub(super) fn composed(norm: &spec::SpatialResponseNorm, x: &Tensor) -> Result<Tensor> {
    x.dims4()?;
    widened(x, |x| {
        let squares = x.sqr()?;
        let sum = window_sum(norm, &window_sum(norm, &squares, 2)?, 3)?;
        let base = sum.affine(norm.effective_alpha(), norm.k)?;
        x * power(&base, -norm.beta)?
    })
}

/// The sums of the windows along one axis; positions outside count as zero.
fn window_sum(norm: &spec::SpatialResponseNorm, x: &Tensor, axis: usize) -> Result<Tensor> {
    let size = x.dim(axis)?;
    let (before, after) = norm.reach();
    let (before, after) = (before.min(size.saturating_sub(1)), after.min(size.saturating_sub(1)));
    let padded = x.pad_with_zeros(axis, before, after)?;
    (1..=before + after).try_fold(padded.narrow(axis, 0, size)?, |sum, shift| sum + padded.narrow(axis, shift, size)?)
}

use super::Window;
use crate::layers::precision::widened;
use alexnet_spec::layers as spec;
use candle_core::{Result, Tensor};

/// The pool from candle's own operations: for devices without a kernel of ours, and to check the kernels against.
///
/// Where no gradient is asked for, it is candle's pool on an input with -inf around it. candle's pool has no gradient for
/// windows that overlap: where one is asked for, it is the maximum of the windows' shifted rows, then columns. Its
/// gradient is shared among equal values, where the kernels' goes to the first as PyTorch's does.
///
/// Errs where `x` isn't `[N, C, H, W]` or is too small for the window.
pub(super) fn composed(pool: &spec::MaxPool2d, x: &Tensor) -> Result<Tensor> {
    let (_, _, height, width) = x.dims4()?;
    let [rows, columns] = Window::of(pool, height, width)?;
    widened(x, |x| {
        let x = fit(&fit(x, 2, &rows)?, 3, &columns)?;
        if x.track_op() {
            return largest(&largest(&x, 2, &rows)?, 3, &columns);
        }
        // candle's Metal pool reads from its buffer's start, wherever in it the tensor starts.
        let x = if x.layout().start_offset() == 0 { x.contiguous()? } else { x.force_contiguous()? };
        x.max_pool2d_with_stride((rows.kernel, columns.kernel), (rows.stride, columns.stride))
    })
}

/// `x` with minus infinity before and after, so that `axis` is just as long as the windows reach.
fn fit(x: &Tensor, axis: usize, window: &Window) -> Result<Tensor> {
    let size = x.dim(axis)?;
    let reach = (window.outputs - 1) * window.stride + window.kernel;
    let border = |length| {
        let mut dims = x.dims().to_vec();
        dims[axis] = length;
        let infinity = Tensor::full(f32::NEG_INFINITY, (), x.device())?.to_dtype(x.dtype())?;
        infinity.broadcast_as(dims)?.contiguous()
    };
    let mut parts = vec![x.narrow(axis, 0, size.min(reach - window.before))?];
    if window.before > 0 {
        parts.insert(0, border(window.before)?);
    }
    if let Some(after @ 1..) = reach.checked_sub(window.before + size) {
        parts.push(border(after)?);
    }
    Tensor::cat(&parts, axis)
}

/// The largest value of each window along one axis, differentiable.
fn largest(x: &Tensor, axis: usize, window: &Window) -> Result<Tensor> {
    let shifted = |shift: usize| {
        let positions = (0..window.outputs).map(|i| (i * window.stride + shift) as u32).collect::<Vec<_>>();
        x.contiguous()?.index_select(&Tensor::new(positions, x.device())?, axis)
    };
    (1..window.kernel).try_fold(shifted(0)?, |largest, shift| largest.maximum(&shifted(shift)?))
}

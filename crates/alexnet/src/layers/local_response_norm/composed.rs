use crate::layers::{power::power, precision::widened};
use alexnet_spec::layers as spec;
use candle_core::{Result, Tensor};

/// The norm from candle's own operations: for devices without a kernel of ours, and to check the kernels against.
///
/// Errs where `x` isn't `[N, C, H, W]` or its channels don't divide into the groups.
pub(super) fn composed(norm: &spec::LocalResponseNorm, x: &Tensor) -> Result<Tensor> {
    let (batch, channels, height, width) = x.dims4()?;
    let in_group = super::channels_per_group(norm, channels)?;
    widened(x, |x| {
        let grouped = x.contiguous()?.reshape((batch * norm.groups, in_group, height * width))?;
        // A window larger than the group reaches no further than the group's ends.
        let (before, after) = norm.reach();
        let (before, after) = (before.min(in_group - 1), after.min(in_group - 1));
        let squares = grouped.sqr()?.pad_with_zeros(1, before, after)?;
        let mut sum = squares.narrow(1, 0, in_group)?;
        for shift in 1..=before + after {
            sum = (sum + squares.narrow(1, shift, in_group)?)?;
        }
        let base = sum.affine(norm.effective_alpha(), norm.k)?;
        (grouped * power(&base, -norm.beta)?)?.reshape((batch, channels, height, width))
    })
}

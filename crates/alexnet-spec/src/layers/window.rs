//! The arithmetic of sliding windows, written once for convolutions and pools.

use serde::{Deserialize, Serialize};

/// Padding in pixels: `[top, left, bottom, right]`, the order of ONNX's `pads`.
pub type Pads = [usize; 4];

/// What happens to a last window that the input doesn't fill.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Rounding {
    /// The window is left out (PyTorch's and ONNX's default).
    #[default]
    Floor,
    /// The window is cut at the border (Caffe's, Torch7's and cuda-convnet's pools), provided it starts inside the input
    /// or its leading padding.
    Ceil,
}

/// The largest extent that any dimension of a network may have; a guard against nonsense, not a technical limit.
pub(super) const MAX_EXTENT: usize = 1 << 24;

/// The number of window positions along one axis.
pub(super) fn positions(
    axis: &str,
    size: usize,
    kernel: usize,
    stride: usize,
    (before, after): (usize, usize),
    rounding: Rounding,
) -> Result<usize, String> {
    if kernel == 0 || stride == 0 {
        return Err(format!(
            "kernel and stride must be at least 1, but {axis} has kernel {kernel} and stride {stride}"
        ));
    }
    for (what, value) in [("size", size), ("kernel", kernel), ("stride", stride), ("padding", before.max(after))] {
        if value > MAX_EXTENT {
            return Err(format!("{axis} has {what} {value}, above the limit of {MAX_EXTENT}"));
        }
    }
    let padded = size + before + after;
    let Some(span) = padded.checked_sub(kernel) else {
        return Err(format!(
            "the kernel's {axis} of {kernel} is larger than the padded input's {padded} ({size} + {before} + {after})"
        ));
    };
    let full = span / stride + 1;
    Ok(match rounding {
        Rounding::Floor => full,
        // A window that would start in the trailing padding sees nothing of the input: it is dropped, as Caffe,
        // PyTorch and ONNX do.
        Rounding::Ceil if !span.is_multiple_of(stride) && full * stride < size + before => full + 1,
        Rounding::Ceil => full,
    })
}

use super::{Infer, map};
use crate::Shape;
use serde::{Deserialize, Serialize};

/// Response normalisation within a map (cuda-convnet's layer type `rnorm`; Caffe's `WITHIN_CHANNEL`):
///
/// `y[h, w] = x[h, w] / (k + alpha / size^2 * sum(x[i, j]^2))^beta`, where the sum runs over the `size` x `size` pixels
/// around (h, w) in the same channel, from `-(size / 2)` on in each direction (both halves of an odd size are equal),
/// and pixels outside the map count as zero.
///
/// `alpha` is divided by size squared, as the released 2012 program and Caffe do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SpatialResponseNorm {
    /// Side of the square window in pixels.
    pub size: usize,
    /// Weight of the mean square, before its division by `size` squared.
    pub alpha: f64,
    /// The exponent.
    pub beta: f64,
    /// The constant that keeps the base away from zero.
    pub k: f64,
}

impl SpatialResponseNorm {
    /// What multiplies the plain sum of squares: alpha / size^2.
    pub fn effective_alpha(&self) -> f64 {
        self.alpha / (self.size as f64 * self.size as f64)
    }

    /// How many pixels of the window lie before and after its own, in each direction: size / 2 and (size - 1) / 2, as
    /// cuda-convnet has it (its window starts at `x - size / 2`).
    pub fn reach(&self) -> (usize, usize) {
        (self.size / 2, self.size.saturating_sub(1) / 2)
    }
}

impl Infer for SpatialResponseNorm {
    fn output(&self, input: Shape) -> Result<Shape, String> {
        map(input)?;
        check_constants(self.size, self.alpha, self.beta, self.k)?;
        Ok(input)
    }
}

/// The constants of both norms: finite, and a base that stays positive for every input.
pub(super) fn check_constants(size: usize, alpha: f64, beta: f64, k: f64) -> Result<(), String> {
    if size == 0 || size > super::window::MAX_EXTENT {
        return Err(format!("the window's size is {size}; it must be from 1 to {}", super::window::MAX_EXTENT));
    }
    if !(alpha.is_finite() && alpha >= 0.0 && beta.is_finite() && k.is_finite() && k > 0.0) {
        return Err(format!(
            "alpha {alpha}, beta {beta}, k {k}: all must be finite, alpha not negative and k above zero, or some input divides by zero"
        ));
    }
    Ok(())
}

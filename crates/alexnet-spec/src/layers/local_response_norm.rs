use super::{Infer, map};
use crate::Shape;
use serde::{Deserialize, Serialize};

/// Local response normalisation across channels (section 3.3 of the 2012 paper; ONNX operator `LRN`):
///
/// `y[c] = x[c] / (k + alpha / size * sum(x[j]^2))^beta`, where *j* runs over the `size` channels around *c* in the same
/// group, `c - (size - 1) / 2 ..= c + size / 2` with both halves rounded down, and channels outside count as zero.
///
/// Note the division: `alpha` is **divided by size**, as in Caffe, PyTorch and ONNX. The paper, TensorFlow, MatConvNet
/// and Chainer don't divide: use [`LocalResponseNorm::undivided`] for their constants.
///
/// ```
/// use alexnet_spec::layers::LocalResponseNorm;
///
/// let paper = LocalResponseNorm::undivided(5, 1e-4, 0.75, 2.0);
/// let caffe = LocalResponseNorm { size: 5, alpha: 1e-4, beta: 0.75, k: 1.0, groups: 1 };
/// assert!((paper.effective_alpha() / caffe.effective_alpha() - 5.0).abs() < 1e-9);
/// assert_eq!(paper.reach(), (2, 2));
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LocalResponseNorm {
    /// Channels in the window.
    pub size: usize,
    /// Weight of the mean square, before its division by `size`.
    pub alpha: f64,
    /// The exponent.
    pub beta: f64,
    /// The constant that keeps the base away from zero.
    pub k: f64,
    /// Slices of the channels that are normalised on their own: 2 for the two towers of 2012.
    #[serde(default = "one")]
    pub groups: usize,
}

fn one() -> usize {
    1
}

impl LocalResponseNorm {
    /// The norm from an alpha that multiplies the plain sum of squares, as in the paper's formula.
    pub fn undivided(size: usize, alpha: f64, beta: f64, k: f64) -> LocalResponseNorm {
        LocalResponseNorm { size, alpha: alpha * size as f64, beta, k, groups: 1 }
    }

    /// The same norm within each of `groups` slices of the channels.
    pub fn grouped(self, groups: usize) -> LocalResponseNorm {
        LocalResponseNorm { groups, ..self }
    }

    /// What multiplies the plain sum of squares: alpha / size.
    pub fn effective_alpha(&self) -> f64 {
        self.alpha / self.size as f64
    }

    /// How many channels of the window lie before and after its own: (size - 1) / 2 and size / 2, as ONNX has it.
    pub fn reach(&self) -> (usize, usize) {
        (self.size.saturating_sub(1) / 2, self.size / 2)
    }
}

impl Infer for LocalResponseNorm {
    fn output(&self, input: Shape) -> Result<Shape, String> {
        let (channels, ..) = map(input)?;
        super::spatial_response_norm::check_constants(self.size, self.alpha, self.beta, self.k)?;
        if self.groups == 0 || !channels.is_multiple_of(self.groups) {
            return Err(format!("{} groups don't divide the {channels} input channels", self.groups));
        }
        Ok(input)
    }
}

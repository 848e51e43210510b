use super::{Infer, map};
use crate::Shape;
use serde::{Deserialize, Serialize};

/// Batch normalisation with running statistics, per channel:
/// `y = (x - running_mean) / sqrt(running_var + eps) * weight + bias`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BatchNorm2d {
    /// Added to the variance: 1e-5 in PyTorch and Caffe.
    pub eps: f64,
}

impl Infer for BatchNorm2d {
    fn output(&self, input: Shape) -> Result<Shape, String> {
        map(input)?;
        if !(self.eps.is_finite() && self.eps > 0.0) {
            return Err(format!("eps is {}; it must be finite and above zero", self.eps));
        }
        Ok(input)
    }

    fn parameters(&self, input: Shape) -> Result<Vec<(&'static str, Vec<usize>)>, String> {
        let (channels, ..) = map(input)?;
        Ok(["weight", "bias", "running_mean", "running_var"].map(|name| (name, vec![channels])).into())
    }
}

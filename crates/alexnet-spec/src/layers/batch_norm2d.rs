use super::Infer;
use crate::Shape;
use serde::{Deserialize, Serialize};

/// Batch normalisation with running statistics, per channel of a map or per feature of a vector:
/// `y = (x - running_mean) / sqrt(running_var + eps) * weight + bias`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BatchNorm2d {
    /// Added to the variance: 1e-5 in PyTorch and Caffe.
    pub eps: f64,
}

impl Infer for BatchNorm2d {
    fn output(&self, input: Shape) -> Result<Shape, String> {
        if !(self.eps.is_finite() && self.eps > 0.0) {
            return Err(format!("eps is {}; it must be finite and above zero", self.eps));
        }
        Ok(input)
    }

    fn parameters(&self, input: Shape) -> Result<Vec<(&'static str, Vec<usize>)>, String> {
        let count = match input {
            Shape::Map { channels, .. } => channels,
            Shape::Vector(features) => features,
        };
        Ok(["weight", "bias", "running_mean", "running_var"].map(|name| (name, vec![count])).into())
    }
}

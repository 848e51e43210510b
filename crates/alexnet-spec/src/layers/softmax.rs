use super::Infer;
use crate::Shape;
use serde::{Deserialize, Serialize};

/// Logits become probabilities: `exp(x[i]) / sum(exp(x[j]))`. Only ever the last layer.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Softmax {}

impl Infer for Softmax {
    fn output(&self, input: Shape) -> Result<Shape, String> {
        match input {
            Shape::Vector(_) => Ok(input),
            Shape::Map { .. } => Err(format!("needs a vector of logits, but the input is a {input} map")),
        }
    }
}

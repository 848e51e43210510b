use super::Infer;
use crate::Shape;
use serde::{Deserialize, Serialize};

/// Dropout in its inverted form: the identity at test time, so it is left out of ONNX graphs.
///
/// Frameworks that scale activations at test time instead (the released 2012 program, Theano, Paddle) have that factor
/// folded into the weights of the next layer when they are imported.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dropout {
    /// The probability with which a feature is dropped in training.
    pub p: f64,
}

impl Infer for Dropout {
    fn output(&self, input: Shape) -> Result<Shape, String> {
        if !(0.0..1.0).contains(&self.p) {
            return Err(format!("the probability is {}; it must be from 0 to below 1", self.p));
        }
        Ok(input)
    }
}

use super::Infer;
use crate::Shape;
use serde::{Deserialize, Serialize};

/// A fully connected layer: `y = W x + b`, with weights `[out, in]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Linear {
    /// Output features.
    pub out: usize,
}

fn features(input: Shape) -> Result<usize, String> {
    match input {
        Shape::Vector(features) => Ok(features),
        Shape::Map { .. } => Err(format!("needs a vector, but the input is a {input} map: put a Flatten before it")),
    }
}

impl Infer for Linear {
    fn output(&self, input: Shape) -> Result<Shape, String> {
        features(input)?;
        if self.out == 0 {
            return Err("needs at least one output".into());
        }
        Ok(Shape::Vector(self.out))
    }

    fn parameters(&self, input: Shape) -> Result<Vec<(&'static str, Vec<usize>)>, String> {
        Ok(vec![("weight", vec![self.out, features(input)?]), ("bias", vec![self.out])])
    }

    fn multiply_adds(&self, input: Shape) -> Result<u64, String> {
        (self.out as u64)
            .checked_mul(features(input)? as u64)
            .ok_or_else(|| "the number of multiply-adds overflows".into())
    }
}

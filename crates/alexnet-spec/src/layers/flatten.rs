use super::{Infer, map};
use crate::Shape;
use serde::{Deserialize, Serialize};

/// A map becomes a vector in the order channel, row, column ("CHW rows" of the first fully connected layer).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Flatten {}

impl Infer for Flatten {
    fn output(&self, input: Shape) -> Result<Shape, String> {
        map(input)?;
        Ok(Shape::Vector(input.elements().ok_or("the number of features overflows")?))
    }
}

use super::{Infer, map};
use crate::Shape;
use serde::{Deserialize, Serialize};

/// Average pooling to a fixed output size: output row *i* of *n* averages input rows `floor(i * h / n)` up to, and
/// without, `ceil((i + 1) * h / n)`; columns likewise (PyTorch's `AdaptiveAvgPool2d`). The identity where the sizes agree.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AdaptiveAvgPool2d {
    /// Height and width of the output.
    pub output: [usize; 2],
}

impl AdaptiveAvgPool2d {
    /// The input range `start..end` that output position `i` of `n` averages over an axis of `size`.
    pub fn range(i: usize, n: usize, size: usize) -> std::ops::Range<usize> {
        (i * size) / n..((i + 1) * size).div_ceil(n)
    }
}

impl Infer for AdaptiveAvgPool2d {
    fn output(&self, input: Shape) -> Result<Shape, String> {
        let (channels, ..) = map(input)?;
        let [height, width] = self.output;
        for side in self.output {
            if side == 0 || side > super::window::MAX_EXTENT {
                return Err(format!(
                    "the output is {height}x{width}; each side must be from 1 to {}",
                    super::window::MAX_EXTENT
                ));
            }
        }
        Ok(Shape::Map { channels, height, width })
    }
}

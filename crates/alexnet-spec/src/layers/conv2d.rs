use super::{Infer, Pads, Rounding, map, window::positions};
use crate::Shape;
use serde::{Deserialize, Serialize};

/// Cross-correlation with weights in OIHW: `[out, in / groups, kernel height, kernel width]`, plus a bias per channel.
///
/// The two towers of the 2012 network are `groups: 2`: group *g* of the outputs sees only group *g* of the inputs.
/// The output size is rounded down; a framework that rounds it up is written with more padding at the bottom and right.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Conv2d {
    /// Output channels, over all groups.
    pub out: usize,
    /// Height and width of the kernel.
    pub kernel: [usize; 2],
    /// Vertical and horizontal step.
    #[serde(default = "unit")]
    pub stride: [usize; 2],
    /// Zeros added around the input: top, left, bottom, right.
    #[serde(default)]
    pub pads: Pads,
    /// Independent slices of the channels.
    #[serde(default = "one")]
    pub groups: usize,
}

fn unit() -> [usize; 2] {
    [1, 1]
}

fn one() -> usize {
    1
}

impl Infer for Conv2d {
    fn output(&self, input: Shape) -> Result<Shape, String> {
        let (channels, height, width) = map(input)?;
        let [top, left, bottom, right] = self.pads;
        if self.out == 0 {
            return Err("needs at least one output channel".into());
        }
        if self.groups == 0 || !channels.is_multiple_of(self.groups) || !self.out.is_multiple_of(self.groups) {
            return Err(format!(
                "{} groups don't divide both the {channels} input channels and the {} output channels",
                self.groups, self.out
            ));
        }
        Ok(Shape::Map {
            channels: self.out,
            height: positions("height", height, self.kernel[0], self.stride[0], (top, bottom), Rounding::Floor)?,
            width: positions("width", width, self.kernel[1], self.stride[1], (left, right), Rounding::Floor)?,
        })
    }

    fn parameters(&self, input: Shape) -> Result<Vec<(&'static str, Vec<usize>)>, String> {
        let (channels, ..) = map(input)?;
        let per_group = channels.checked_div(self.groups).ok_or("needs at least one group")?;
        Ok(vec![("weight", vec![self.out, per_group, self.kernel[0], self.kernel[1]]), ("bias", vec![self.out])])
    }

    fn multiply_adds(&self, input: Shape) -> Result<u64, String> {
        let output = self.output(input)?.elements().ok_or("the output's size overflows")?;
        let (channels, ..) = map(input)?;
        [channels / self.groups, self.kernel[0], self.kernel[1]]
            .into_iter()
            .try_fold(output as u64, |product, factor| product.checked_mul(factor as u64))
            .ok_or_else(|| "the number of multiply-adds overflows".into())
    }
}

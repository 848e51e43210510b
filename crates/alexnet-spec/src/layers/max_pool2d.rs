use super::{Infer, Pads, Rounding, map, window::positions};
use crate::Shape;
use serde::{Deserialize, Serialize};

/// The largest value of each window (section 3.4 of the 2012 paper: 3x3 windows every 2 pixels overlap).
///
/// Padding never wins: padded pixels count as minus infinity.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MaxPool2d {
    /// Height and width of the window.
    pub kernel: [usize; 2],
    /// Vertical and horizontal step.
    pub stride: [usize; 2],
    /// Padding: top, left, bottom, right.
    #[serde(default)]
    pub pads: Pads,
    /// What happens to a last window that isn't full.
    #[serde(default)]
    pub rounding: Rounding,
}

impl MaxPool2d {
    /// The family's pool: 3x3 windows, stride 2, no padding, rounded down.
    pub fn overlapping() -> MaxPool2d {
        MaxPool2d { kernel: [3, 3], stride: [2, 2], pads: [0; 4], rounding: Rounding::Floor }
    }

    /// The same pool with the rounding of Caffe and cuda-convnet.
    pub fn rounded_up(self) -> MaxPool2d {
        MaxPool2d { rounding: Rounding::Ceil, ..self }
    }
}

impl Infer for MaxPool2d {
    fn output(&self, input: Shape) -> Result<Shape, String> {
        let (channels, height, width) = map(input)?;
        let [top, left, bottom, right] = self.pads;
        for (axis, kernel, pad) in
            [("height", self.kernel[0], top.max(bottom)), ("width", self.kernel[1], left.max(right))]
        {
            if pad >= kernel && pad > 0 {
                return Err(format!(
                    "padding of {pad} is not smaller than the window's {axis} of {kernel}: a window would see padding alone"
                ));
            }
        }
        Ok(Shape::Map {
            channels,
            height: positions("height", height, self.kernel[0], self.stride[0], (top, bottom), self.rounding)?,
            width: positions("width", width, self.kernel[1], self.stride[1], (left, right), self.rounding)?,
        })
    }
}

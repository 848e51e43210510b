mod composed;

use super::Build;
use alexnet_spec::layers::{self as spec, Infer};
use alexnet_spec::Shape;
use candle_core::{Error, Result, Tensor, bail};
use candle_nn::{Module, VarBuilder};

pub use composed::composed;

/// The largest value of each window.
#[derive(Clone, Debug)]
pub struct MaxPool2d {
    spec: spec::MaxPool2d,
}

impl MaxPool2d {
    /// The pool that `spec` describes.
    pub fn new(spec: &spec::MaxPool2d) -> MaxPool2d {
        MaxPool2d { spec: spec.clone() }
    }
}

impl Build for spec::MaxPool2d {
    type Layer = MaxPool2d;

    fn build(&self, _: Shape, _: VarBuilder) -> Result<MaxPool2d> {
        Ok(MaxPool2d::new(self))
    }
}

impl Module for MaxPool2d {
    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        composed(&self.spec, x)
    }
}

/// The windows along one axis.
#[derive(Clone, Copy, Debug)]
struct Window {
    kernel: usize,
    stride: usize,
    /// Padding before the first position.
    before: usize,
    /// How many windows there are.
    outputs: usize,
}

impl Window {
    /// The windows of `pool` along the rows' and the columns' axis of a map.
    fn of(pool: &spec::MaxPool2d, height: usize, width: usize) -> Result<[Window; 2]> {
        match pool.output(Shape::Map { channels: 1, height, width }).map_err(Error::msg)? {
            Shape::Map { height, width, .. } => Ok([(0, height), (1, width)].map(|(axis, outputs)| Window {
                kernel: pool.kernel[axis],
                stride: pool.stride[axis],
                before: pool.pads[axis],
                outputs,
            })),
            Shape::Vector(_) => bail!("a pool makes a map"),
        }
    }
}

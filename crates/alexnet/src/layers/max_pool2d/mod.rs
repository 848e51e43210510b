//! Max pooling: a custom operation with kernels per device, and its composition.

mod composed;
mod cpu;
#[cfg(feature = "cuda")]
mod cuda;
mod op;

use super::{Build, kernels};
use alexnet_spec::Shape;
use alexnet_spec::layers::{self as spec, Infer};
use candle_core::{Error, Result, Tensor, bail};
use candle_nn::{Module, VarBuilder};

/// The largest value of each window, with padding on four sides and either rounding; see [`spec::MaxPool2d`].
///
/// A window that holds a NaN gives NaN. The gradient goes to the first of equal values, as PyTorch's does.
#[derive(Clone, Debug)]
pub struct MaxPool2d {
    spec: spec::MaxPool2d,
}

impl MaxPool2d {
    /// The pool that `spec` describes.
    pub fn new(spec: &spec::MaxPool2d) -> MaxPool2d {
        MaxPool2d { spec: spec.clone() }
    }

    /// The pool of `x` `[N, C, H, W]` from candle's own operations, on any device: what runs where there is no kernel of
    /// ours, and what the kernels are checked against. It differs for NaN, which candle's pool drops, and in its gradient,
    /// which equal values share.
    ///
    /// Errs where `x` has another rank or is too small for the window.
    pub fn composed(&self, x: &Tensor) -> Result<Tensor> {
        composed::composed(&self.spec, x)
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
        if kernels::exist_on(x.device()) {
            return kernels::apply(&self.spec, x);
        }
        self.composed(x)
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
        if height == 0 || width == 0 {
            bail!("can't pool an empty map of {height}x{width}");
        }
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

    /// The input positions, of `size`, that output `index` sees.
    fn range(&self, index: usize, size: usize) -> std::ops::Range<usize> {
        let start = index * self.stride;
        start.saturating_sub(self.before)..(start + self.kernel - self.before).min(size)
    }
}

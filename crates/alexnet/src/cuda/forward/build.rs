//! Making a plan's work: which step reads which buffer, and how each is launched.

use super::cublaslt;
use super::cudnn;
use super::geometry::{Axes, Geometry};
use super::kernel::Kernel;
use super::plan::{Bound, Common, Work};
use super::program::{Convolution, Linear, Step};
use super::{Address, Arithmetic, Workspace};
use crate::cuda::params::Relu;
use crate::cuda::{EPILOGUE, Grid, params};
use candle_core::Result;
use cudarc::driver::CudaStream;

/// How a convolution's output comes to the next step.
struct Passing {
    /// The order that the next step takes.
    axes: Axes,
    /// What follows changes each element by itself, and so can happen where it stands.
    in_place: bool,
}

impl Passing {
    fn new(convolution: &Convolution, axes: Axes, next: Option<&Step>) -> Passing {
        // Fully connected layers count features as candle flattens a map, and a caller sees what candle has.
        let taken = if matches!(next, Some(Step::Convolution(_))) { axes } else { Axes::Planar };
        let following = &convolution.following;
        Passing { axes: taken, in_place: taken == axes && following.norm.is_none() && following.pool.is_none() }
    }
}

/// The elements of one example that each of the two buffers must hold.
pub(super) fn largest(steps: &[Bound<'_>], axes: Axes) -> [usize; 2] {
    let mut largest = [0; 2];
    let mut current = 0;
    for (index, bound) in steps.iter().enumerate() {
        let mut hold = |buffer: usize, elements: usize| largest[buffer] = elements.max(largest[buffer]);
        let other = 1 - current;
        match bound.step {
            Step::Convolution(convolution) => {
                let geometry = Geometry::new(convolution, index == 0, axes);
                hold(current, geometry.input.iter().product());
                hold(other, geometry.output.iter().product());
                let next = steps.get(index + 1).map(|bound| bound.step);
                if Passing::new(convolution, axes, next).in_place {
                    current = other;
                } else {
                    hold(current, convolution.output[0] * convolution.pooled[0] * convolution.pooled[1]);
                }
            }
            Step::Linear(linear) => {
                hold(current, linear.inputs);
                hold(other, linear.outputs);
                current = other;
            }
        }
    }
    largest
}

/// A plan in the making.
pub(super) struct Builder<'a> {
    pub(super) common: &'a Common<'a>,
    pub(super) axes: Axes,
    pub(super) arithmetic: Arithmetic,
    pub(super) batch: usize,
    pub(super) stream: &'a CudaStream,
    pub(super) scratch: Workspace,
    /// The two buffers.
    pub(super) places: [Address; 2],
    /// Which of them has the last step's output.
    pub(super) current: usize,
    pub(super) work: Vec<Work>,
}

impl Builder<'_> {
    /// Adds the work of one step, and says what shape one example has after it.
    ///
    /// # Safety
    ///
    /// The step's parameters must be of its sizes and the common type and outlive the work, and the buffers must hold what
    /// [`largest`] says; all are to be used on the stream alone.
    pub(super) unsafe fn add(&mut self, bound: &Bound<'_>, first: bool, next: Option<&Step>) -> Result<Vec<usize>> {
        // SAFETY: the caller's promise.
        unsafe {
            match bound.step {
                Step::Convolution(convolution) => self.convolution(bound, convolution, first, next),
                Step::Linear(linear) => self.linear(bound, linear),
            }
        }
    }

    /// # Safety
    ///
    /// That of [`Builder::add`].
    unsafe fn convolution(
        &mut self,
        bound: &Bound<'_>,
        convolution: &Convolution,
        first: bool,
        next: Option<&Step>,
    ) -> Result<Vec<usize>> {
        let Common { device, dtype, .. } = *self.common;
        let geometry = Geometry::new(convolution, first, self.axes);
        let passing = Passing::new(convolution, self.axes, next);
        let other = 1 - self.current;
        let Bound { weights, bias, .. } = *bound;
        let places = cudnn::Places { x: self.places[self.current], weights, bias, y: self.places[other] };
        // SAFETY: the buffers hold the geometry's input and output, the rest is the caller's promise.
        let sliding = unsafe {
            let shape = (&geometry, self.axes, self.batch);
            let scratch = (self.stream, &self.scratch);
            cudnn::Convolution::new(self.common.cudnn, shape, (dtype, self.arithmetic), places, scratch)
        }?;
        let [channels, height, width] = convolution.output;
        let [out_height, out_width] = convolution.pooled;
        let dims = vec![channels, out_height, out_width];
        if passing.in_place && convolution.following.relu == Relu::First {
            // SAFETY: as above; the scratch space is as large as any algorithm that was found needs.
            let fused = unsafe { sliding.run_with_bias_and_relu(self.stream, &self.scratch) };
            if fused.is_ok() {
                self.work.push(Work::ConvolutionBiasRelu(sliding));
                self.current = other;
                return Ok(dims);
            }
        }
        let batch_dims = (self.batch, channels, height, width);
        let last = [self.axes, passing.axes].map(|axes| axes == Axes::ChannelsLast);
        let params = params::Epilogue::new(&convolution.following, batch_dims, (out_height, out_width), last)?;
        // In range: `params` has been made.
        let grid = Grid::over(channels * out_height * out_width, self.batch);
        let kernel = Kernel::new(device, EPILOGUE, dtype, params, grid)?;
        self.work.push(Work::Convolution(sliding));
        if passing.in_place {
            self.current = other;
        }
        self.work.push(Work::Epilogue { kernel, x: self.places[other], bias, y: self.places[self.current] });
        Ok(dims)
    }

    /// # Safety
    ///
    /// That of [`Builder::add`].
    unsafe fn linear(&mut self, bound: &Bound<'_>, linear: &Linear) -> Result<Vec<usize>> {
        let Linear { inputs, outputs, relu, .. } = *linear;
        let sizes = cublaslt::Sizes { rows: self.batch, inputs, outputs, relu };
        let Bound { weights, bias, .. } = *bound;
        let other = 1 - self.current;
        let places = cublaslt::Places { x: self.places[self.current], weights, bias, y: self.places[other] };
        // SAFETY: the buffers hold the layer's input and output, the rest is the caller's promise.
        let linear = unsafe {
            let arithmetic = (self.common.dtype, self.arithmetic);
            let scratch = (self.stream, &self.scratch);
            cublaslt::Linear::new(self.common.cublaslt, sizes, arithmetic, places, scratch)
        }?;
        self.work.push(Work::Linear(linear));
        self.current = other;
        Ok(vec![outputs])
    }
}

//! The steps of a network bound to a device for one batch size.

use super::build::{Builder, largest};
use super::cublaslt::{self, CublasLt};
use super::cudnn::{self, Cudnn};
use super::geometry::{Axes, Geometry};
use super::graph::Graph;
use super::kernel::{Kernel, packing};
use super::program::Step;
use super::{Address, Arithmetic, Buffer, Workspace};
use crate::cuda::params;
use candle_core::cuda_backend::{CudaDevice, WrapErr};
use candle_core::{DType, Result, Shape, bail};
use cudarc::driver::{CudaStream, result};
use std::fmt;

/// Bytes that a convolution's algorithm may use: cuDNN's fastest plain ones take a few megabytes, its Fourier transforms
/// whatever there is.
const WORKSPACE: usize = 256 << 20;

/// A step with the addresses of its parameters, which the planner holds on to.
pub(super) struct Bound<'a> {
    pub(super) step: &'a Step,
    pub(super) weights: Address,
    pub(super) bias: Address,
}

/// What plans have in common.
pub(super) struct Common<'a> {
    pub(super) device: &'a CudaDevice,
    pub(super) dtype: DType,
    pub(super) cudnn: &'a Cudnn,
    pub(super) cublaslt: &'a CublasLt,
}

/// A forward pass of one batch size, ready to run.
pub(super) struct Plan {
    entry: Entry,
    work: Vec<Work>,
    /// The same work, recorded; none where that failed.
    graph: Option<Graph>,
    output: Address,
    dims: Vec<usize>,
    dtype: DType,
    device: CudaDevice,
    workspace: Buffer,
    /// Between the steps; they are used by turns.
    activations: [Buffer; 2],
}

/// How the network's input comes into the first buffer.
enum Entry {
    Copy { bytes: usize },
    Pack(Kernel<params::Pack>),
}

/// One launch.
pub(super) enum Work {
    Convolution(cudnn::Convolution),
    ConvolutionBiasRelu(cudnn::Convolution),
    Epilogue { kernel: Kernel<params::Epilogue>, x: Address, bias: Address, y: Address },
    Linear(cublaslt::Linear),
}

/// The order of the axes in which a type and an arithmetic are computed.
pub(super) fn axes(dtype: DType, arithmetic: Arithmetic) -> Axes {
    match (dtype, arithmetic) {
        (DType::F32, Arithmetic::Exact) => Axes::Planar,
        _ => Axes::ChannelsLast,
    }
}

impl Plan {
    /// The plan of `steps` for `batch` examples. Algorithms are chosen by running them.
    ///
    /// # Safety
    ///
    /// Each step's parameters must be of its sizes (the weights of a convolution packed as its geometry says) and of type
    /// `dtype`, outlive the plan, and be written on the device's stream alone.
    pub(super) unsafe fn new(
        common: &Common<'_>,
        steps: &[Bound<'_>],
        (batch, arithmetic): (usize, Arithmetic),
    ) -> Result<Plan> {
        let axes = axes(common.dtype, arithmetic);
        let [first, second] = largest(steps, axes);
        let buffer = |elements: usize| Buffer::new(common.device, batch * elements * common.dtype.size_in_bytes());
        let activations = [buffer(first)?, buffer(second)?];
        let places = [activations[0].address, activations[1].address];
        let scratch = Buffer::new(common.device, WORKSPACE)?;
        let stream = common.device.cuda_stream();
        let mut builder = Builder {
            common,
            axes,
            arithmetic,
            batch,
            stream: &stream,
            scratch: scratch.workspace(),
            places,
            current: 0,
            work: Vec::new(),
        };
        let mut dims = Vec::new();
        for (index, bound) in steps.iter().enumerate() {
            let next = steps.get(index + 1).map(|next| next.step);
            // SAFETY: the caller's promise; the buffers are as large as `largest` says.
            dims = unsafe { builder.add(bound, index == 0, next) }?;
        }
        dims.insert(0, batch);
        let Builder { work, current, .. } = builder;
        let workspace = Buffer::new(common.device, work.iter().map(Work::workspace).max().unwrap_or(0))?;
        let mut plan = Plan {
            entry: Entry::new(common, steps, axes, batch)?,
            work,
            graph: None,
            output: places[current],
            dims,
            dtype: common.dtype,
            device: common.device.clone(),
            workspace,
            activations,
        };
        // Once as it is: what CUDA loads at first use, it can't load while recording.
        plan.launch(&stream)?;
        let recording = stream.context().new_stream().w()?;
        plan.graph = Graph::record(&recording, |stream| plan.launch(stream)).ok();
        Ok(plan)
    }

    /// The shape of the output.
    pub(super) fn shape(&self) -> Shape {
        Shape::from(self.dims.clone())
    }

    /// Copies the input, runs everything, and copies the output to `output`.
    ///
    /// # Safety
    ///
    /// `x` must be where the plan's batch is on the device, as candle has it, and `output` of the plan's shape; both of its
    /// type, and used on the device's stream alone.
    pub(super) unsafe fn run(&self, x: Address, output: Address) -> Result<()> {
        let stream = self.device.cuda_stream();
        stream.context().bind_to_thread().w()?;
        let [first, _] = &self.activations;
        match &self.entry {
            Entry::Copy { bytes } => {
                // SAFETY: the caller's promise; the buffer holds the first step's input.
                unsafe { result::memcpy_dtod_async(first.address, x, *bytes, stream.cu_stream()) }.w()?;
            }
            // SAFETY: as above; `pack` is (params, x, y).
            Entry::Pack(kernel) => unsafe { kernel.launch(&stream, &[x, first.address]) }?,
        }
        match &self.graph {
            // SAFETY: the plan owns the buffers, its maker keeps the parameters, and this is the one stream for both.
            Some(graph) => unsafe { graph.replay(&stream) }?,
            None => self.launch(&stream)?,
        }
        let bytes = self.shape().elem_count() * self.dtype.size_in_bytes();
        // SAFETY: the caller's promise; the last step has written as much.
        unsafe { result::memcpy_dtod_async(output, self.output, bytes, stream.cu_stream()) }.w()
    }

    /// Puts all work on `stream`.
    fn launch(&self, stream: &CudaStream) -> Result<()> {
        let workspace = self.workspace.workspace();
        for work in &self.work {
            // SAFETY: `Plan::new` made all of it over the plan's own buffers and over parameters that outlive it; the
            // workspace is as large as any step asks for. The stream is the device's, or records without running.
            unsafe { work.launch(stream, &workspace) }?;
        }
        Ok(())
    }
}

impl fmt::Debug for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let how = if self.graph.is_some() { "as one graph" } else { "one by one" };
        write!(f, "{} launches, {how}", self.work.len())
    }
}

impl Drop for Plan {
    fn drop(&mut self) {
        // On a stream that is each thread's own, memory would be given back before another thread's work is done with it.
        // An error here has been told to whoever launched the work.
        let _ = self.device.cuda_stream().context().synchronize();
    }
}

impl Entry {
    fn new(common: &Common<'_>, steps: &[Bound<'_>], axes: Axes, batch: usize) -> Result<Entry> {
        let Some(Bound { step: Step::Convolution(convolution), .. }) = steps.first() else {
            bail!("the first step is no convolution");
        };
        let [channels, height, width] = convolution.input;
        match Geometry::new(convolution, true, axes).packing {
            None => Ok(Entry::Copy { bytes: batch * channels * height * width * common.dtype.size_in_bytes() }),
            Some(how) => {
                let source = [batch, channels, height, width];
                Ok(Entry::Pack(packing(common.device, common.dtype, how, source)?.0))
            }
        }
    }
}

impl Work {
    /// Bytes of workspace that it needs.
    fn workspace(&self) -> usize {
        match self {
            Work::Convolution(convolution) | Work::ConvolutionBiasRelu(convolution) => convolution.workspace,
            Work::Epilogue { .. } => 0,
            Work::Linear(linear) => linear.workspace,
        }
    }

    /// # Safety
    ///
    /// Everything that it was made over must still be allocated, and be used on `stream` alone; `workspace` must be as
    /// large as it asks for.
    unsafe fn launch(&self, stream: &CudaStream, workspace: &Workspace) -> Result<()> {
        // SAFETY: the caller's promise in each case; `epilogue` is (params, x, bias, y).
        unsafe {
            match self {
                Work::Convolution(convolution) => convolution.run(stream, workspace),
                Work::ConvolutionBiasRelu(convolution) => convolution.run_with_bias_and_relu(stream, workspace),
                Work::Epilogue { kernel, x, bias, y } => kernel.launch(stream, &[*x, *bias, *y]),
                Work::Linear(linear) => linear.run(stream, workspace),
            }
        }
    }
}

//! Which plan a forward pass takes, and why it takes none.

use super::buffer::{address_in, address_of};
use super::cublaslt::CublasLt;
use super::cudnn::Cudnn;
use super::geometry::{Axes, Geometry};
use super::plan::{Bound, Common, Plan, axes};
use super::program::{Step, steps};
use super::{Address, Arithmetic, Buffer, kernel};
use crate::Network;
use crate::layers::{Conv2d, Layer, Linear};
use candle_core::cuda_backend::cudarc::driver::DevicePtrMut;
use candle_core::cuda_backend::{CudaDType, CudaDevice, WrapErr};
use candle_core::{CpuStorage, CudaStorage, CustomOp1, DType, Device, Error, Layout, Result, Shape, Tensor, bail};
use cudarc::driver::DeviceRepr;
use cudarc::driver::sys::CUstreamCaptureStatus;
use half::{bf16, f16};
use std::any::Any;
use std::collections::HashMap;
use std::fmt;
use std::sync::{Mutex, MutexGuard};
use std::thread::ThreadId;

/// Plans that are kept: each has buffers for its batch.
const MAX_PLANS: usize = 4;

/// A model's forward pass by plans, or why there are none.
pub(crate) struct Forward(std::result::Result<Mutex<Planner>, String>);

struct Planner {
    layers: Vec<Bindable>,
    device: CudaDevice,
    dtype: DType,
    /// Opened with the first plan.
    libraries: Option<(Cudnn, CublasLt)>,
    /// Weights of convolutions for tensor cores, by step.
    packed: HashMap<usize, Buffer>,
    /// The most recently used one last, with those that could not be made.
    plans: Vec<(Key, std::result::Result<Plan, String>)>,
}

// SAFETY: what isn't Send are the handles of cuDNN, cuBLASLt and CUDA's graphs. They aren't bound to a thread, but mustn't be
// used by two at once. Each is owned by one `Planner`, directly or by a counted reference that never leaves it, and a
// `Planner` is only ever reached through its mutex.
unsafe impl Send for Planner {}

/// A step with its parameters.
struct Bindable {
    step: Step,
    weights: Tensor,
    bias: Tensor,
}

/// What a plan is made for.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Key {
    batch: usize,
    arithmetic: Arithmetic,
    /// Where the device's stream is each thread's own, work of two threads isn't ordered: each has its own plans.
    thread: Option<ThreadId>,
}

/// CUDA's handle for the stream that is each thread's own.
const PER_THREAD_STREAM: usize = 2;

impl Forward {
    /// For the model of `network` whose layers are these.
    pub(crate) fn new<'a>(
        network: &Network,
        layers: impl Iterator<Item = &'a dyn Layer>,
        dtype: DType,
        device: &Device,
    ) -> Forward {
        Forward(Planner::new(network, &layers.collect::<Vec<_>>(), dtype, device).map(Mutex::new))
    }

    /// The output for a batch, or why no plan makes it. The inner error is that of a plan which exists.
    pub(crate) fn run(&self, x: &Tensor) -> std::result::Result<Result<Tensor>, String> {
        self.planner()?.run(x)
    }

    fn planner(&self) -> std::result::Result<MutexGuard<'_, Planner>, String> {
        match &self.0 {
            // What a thread left behind that panicked is at worst a plan less.
            Ok(planner) => Ok(planner.lock().unwrap_or_else(|poisoned| poisoned.into_inner())),
            Err(why) => Err(why.clone()),
        }
    }
}

/// The plans, each with how it runs or why it could not be made.
impl fmt::Debug for Forward {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.planner() {
            Ok(planner) => f.debug_map().entries(planner.plans.iter().map(|(key, plan)| (key, plan))).finish(),
            Err(why) => f.write_str(&why),
        }
    }
}

impl Planner {
    fn new(
        network: &Network,
        layers: &[&dyn Layer],
        dtype: DType,
        device: &Device,
    ) -> std::result::Result<Planner, String> {
        let Device::Cuda(device) = device else { return Err("the model is not on a CUDA device".to_owned()) };
        if !matches!(dtype, DType::F32 | DType::F16 | DType::BF16) {
            return Err(format!("the model computes in {dtype:?}"));
        }
        let bind = |step: Step| {
            let index = match &step {
                Step::Convolution(convolution) => convolution.layer,
                Step::Linear(linear) => linear.layer,
            };
            let layer: &dyn Any = *layers.get(index).ok_or("a layer is missing")?;
            let (weights, bias) = match (layer.downcast_ref::<Conv2d>(), layer.downcast_ref::<Linear>()) {
                (Some(layer), _) => layer.parameters(),
                (_, Some(layer)) => layer.parameters().ok_or("a fully connected layer has no bias")?,
                _ => return Err("a layer is of another kind than the network says".to_owned()),
            };
            if weights.track_op() || bias.track_op() {
                return Err("the model has variables, which training changes".to_owned());
            }
            Ok(Bindable { step, weights: weights.clone(), bias: bias.clone() })
        };
        let layers = steps(network)?.into_iter().map(bind).collect::<std::result::Result<Vec<_>, String>>()?;
        let (libraries, packed, plans) = (None, HashMap::new(), Vec::new());
        Ok(Planner { layers, device: device.clone(), dtype, libraries, packed, plans })
    }

    fn run(&mut self, x: &Tensor) -> std::result::Result<Result<Tensor>, String> {
        if x.track_op() {
            return Err("the input is tracked for a gradient".to_owned());
        }
        if !x.device().same_device(&Device::Cuda(self.device.clone())) {
            return Err("the input is on another device".to_owned());
        }
        let batch = match x.dims().first() {
            None | Some(0) => return Err("the batch is empty".to_owned()),
            Some(batch) => *batch,
        };
        let stream = self.device.cuda_stream();
        match stream.capture_status() {
            Ok(CUstreamCaptureStatus::CU_STREAM_CAPTURE_STATUS_NONE) => {}
            _ => return Err("the device's stream is being recorded".to_owned()),
        }
        let tf32 = self.dtype == DType::F32 && candle_core::cuda::gemm_reduced_precision_f32();
        let thread = (stream.cu_stream().addr() == PER_THREAD_STREAM).then(|| std::thread::current().id());
        let key = Key { batch, arithmetic: if tf32 { Arithmetic::Tf32 } else { Arithmetic::Exact }, thread };
        match self.plan(key) {
            Ok(plan) => Ok(x.contiguous().and_then(|x| x.apply_op1_no_bwd(&Running(plan)))),
            Err(why) => Err(why.clone()),
        }
    }

    /// The plan for `key`, made where there is none yet.
    fn plan(&mut self, key: Key) -> std::result::Result<&Plan, &String> {
        let plan = match self.plans.iter().position(|(other, _)| *other == key) {
            Some(index) => self.plans.remove(index).1,
            None => {
                self.plans.drain(..(self.plans.len() + 1).saturating_sub(MAX_PLANS));
                self.make(key).map_err(|error| format!("no plan can be made: {error}"))
            }
        };
        self.plans.push((key, plan));
        // It has just been pushed.
        self.plans[self.plans.len() - 1].1.as_ref()
    }

    fn make(&mut self, key: Key) -> Result<Plan> {
        self.device.cuda_stream().context().bind_to_thread().w()?;
        let (cudnn, cublaslt) = match &self.libraries {
            Some(libraries) => libraries.clone(),
            None => self.libraries.insert((Cudnn::new()?, CublasLt::new()?)).clone(),
        };
        let axes = axes(self.dtype, key.arithmetic);
        let mut addresses = Vec::new();
        for index in 0..self.layers.len() {
            addresses.push((self.weights(index, axes)?, address_of(&self.layers[index].bias)?));
        }
        let steps: Vec<Bound<'_>> = self
            .layers
            .iter()
            .zip(addresses)
            .map(|(layer, (weights, bias))| Bound { step: &layer.step, weights, bias })
            .collect();
        let common = Common { device: &self.device, dtype: self.dtype, cudnn: &cudnn, cublaslt: &cublaslt };
        // SAFETY: the parameters' shapes were checked against the network when the model was made and their type when
        // their address was taken; the planner drops its plans before its layers and packed weights go, and one stream
        // orders all work with them.
        unsafe { Plan::new(&common, &steps, (key.batch, key.arithmetic)) }
    }

    /// Where the weights of a step are, packed as it takes them.
    fn weights(&mut self, index: usize, axes: Axes) -> Result<Address> {
        let Bindable { step, weights, .. } = &self.layers[index];
        let plain = address_of(weights)?;
        let Step::Convolution(convolution) = step else { return Ok(plain) };
        let Some(how) = Geometry::new(convolution, index == 0, axes).weights else { return Ok(plain) };
        if let Some(packed) = self.packed.get(&index) {
            return Ok(packed.address);
        }
        let (out, inputs, height, width) = weights.dims4()?;
        let buffer = kernel::packed(&self.device, self.dtype, how, (plain, [out, inputs, height, width]))?;
        Ok(self.packed.entry(index).or_insert(buffer).address)
    }
}

impl Drop for Planner {
    fn drop(&mut self) {
        // Before the weights that they read.
        self.plans.clear();
    }
}

/// One pass, as candle's operation.
struct Running<'a>(&'a Plan);

impl Running<'_> {
    fn run<T: CudaDType + DeviceRepr>(&self, x: Address, device: &CudaDevice) -> Result<CudaStorage> {
        // SAFETY: the plan writes every element before anything on the stream reads one.
        let mut y = unsafe { device.alloc::<T>(self.0.shape().elem_count()) }?;
        let stream = device.cuda_stream();
        {
            let (address, _written) = y.device_ptr_mut(&stream);
            // SAFETY: x was checked to be of the network's input and the plan's batch, its type is T, of which y has as
            // many elements as the plan makes; both are the device's, whose one stream orders their use.
            unsafe { self.0.run(x, address) }?;
        }
        Ok(CudaStorage::wrap_cuda_slice(y, device.clone()))
    }
}

impl CustomOp1 for Running<'_> {
    fn name(&self) -> &'static str {
        "cuda-forward"
    }

    fn cpu_fwd(&self, _: &CpuStorage, _: &Layout) -> Result<(CpuStorage, Shape)> {
        bail!("a plan for a CUDA device was given a tensor on the CPU")
    }

    fn cuda_fwd(&self, storage: &CudaStorage, layout: &Layout) -> Result<(CudaStorage, Shape)> {
        let x = address_in(storage, layout)?;
        let device = &storage.device;
        let y = match candle_core::backend::BackendStorage::dtype(storage) {
            DType::F32 => self.run::<f32>(x, device),
            DType::F16 => self.run::<f16>(x, device),
            DType::BF16 => self.run::<bf16>(x, device),
            other => Err(Error::Msg(format!("no plan for {other:?}"))),
        }?;
        Ok((y, self.0.shape()))
    }
}

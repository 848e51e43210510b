//! Launches the kernels of `kernels/*.cu`, whatever the element type.
//!
//! All tensors are contiguous. The PTX is made by build.rs; the driver compiles it for the GPU at first use, which takes
//! seconds, and keeps it.

use super::{Grid, params};
use candle_core::backend::BackendStorage;
use candle_core::cuda_backend::{CudaDType, CudaDevice, CudaError, CudaStorage, WrapErr};
use candle_core::{DType, Error, Layout, Result};
use cudarc::driver::{CudaSlice, CudaView, DeviceRepr, LaunchConfig, PushKernelArg};
use half::{bf16, f16};

/// One `.cu` file.
#[derive(Clone, Copy)]
pub(crate) struct Module {
    /// Its name, with which the names of its functions start.
    name: &'static str,
    ptx: &'static str,
}

macro_rules! module {
    ($name:literal) => {
        Module { name: $name, ptx: include_str!(concat!(env!("OUT_DIR"), "/", $name, ".ptx")) }
    };
}

#[cfg(feature = "cudnn")]
pub(crate) const EPILOGUE: Module = module!("epilogue");
pub(crate) const LOCAL_RESPONSE_NORM: Module = module!("local_response_norm");
pub(crate) const SPATIAL_RESPONSE_NORM: Module = module!("spatial_response_norm");
pub(crate) const MAX_POOL2D: Module = module!("max_pool2d");
#[cfg(feature = "cudnn")]
pub(crate) const PACK: Module = module!("pack");

// SAFETY: plain numbers in C layout without padding, passed by value to kernels that declare the same fields.
unsafe impl DeviceRepr for params::LocalResponseNorm {}
// SAFETY: as above.
unsafe impl DeviceRepr for params::SpatialResponseNorm {}
// SAFETY: as above.
unsafe impl DeviceRepr for params::MaxPool2d {}
// SAFETY: as above.
#[cfg(feature = "cudnn")]
unsafe impl DeviceRepr for params::Epilogue {}
// SAFETY: as above.
#[cfg(feature = "cudnn")]
unsafe impl DeviceRepr for params::Pack {}

#[cfg(feature = "cudnn")]
impl Module {
    /// The kernel named as the module, for elements of `dtype`.
    pub(crate) fn forward(self, device: &CudaDevice, dtype: DType) -> Result<cudarc::driver::CudaFunction> {
        let suffix = match dtype {
            DType::F64 => f64::SUFFIX,
            DType::F32 => f32::SUFFIX,
            DType::F16 => f16::SUFFIX,
            DType::BF16 => bf16::SUFFIX,
            dtype => return Err(CudaError::UnsupportedDtype { dtype, op: self.name }.into()),
        };
        let key = format!("alexnet_{}", self.name);
        Ok(device.get_or_load_custom_func(&format!("{}_{suffix}", self.name), &key, self.ptx)?.into_cuda_function())
    }
}

/// An element type that the kernels are compiled for.
trait Element: CudaDType + DeviceRepr {
    /// How the kernels' names end.
    const SUFFIX: &'static str;
    /// What the kernels compute in.
    type Wide: DeviceRepr;
}

macro_rules! element {
    ($type:ty, $suffix:literal, $wide:ty) => {
        impl Element for $type {
            const SUFFIX: &'static str = $suffix;
            type Wide = $wide;
        }
    };
}
element!(f64, "f64", f64);
element!(f32, "f32", f32);
element!(f16, "f16", f32);
element!(bf16, "bf16", f32);

/// Calls a generic function with the Rust type of a storage's elements.
macro_rules! for_element_type {
    ($module:expr, $storage:expr, $function:ident($($argument:expr),*)) => {
        match $storage.dtype() {
            DType::F64 => $function::<f64, _>($($argument),*),
            DType::F32 => $function::<f32, _>($($argument),*),
            DType::F16 => $function::<f16, _>($($argument),*),
            DType::BF16 => $function::<bf16, _>($($argument),*),
            dtype => Err(CudaError::UnsupportedDtype { dtype, op: $module.name }.into()),
        }
    };
}

/// A tensor that a kernel reads.
pub(crate) type Input<'a> = (&'a CudaStorage, &'a Layout);

/// What a launch needs besides its tensors.
pub(crate) struct Launch<P> {
    pub(crate) module: Module,
    pub(crate) params: P,
    pub(crate) grid: Grid,
}

impl<P: DeviceRepr> Launch<P> {
    /// y = f(x), of `elements` elements: the kernel named as its module.
    pub(crate) fn forward(&self, x: Input<'_>, elements: usize) -> Result<CudaStorage> {
        for_element_type!(self.module, x.0, forward(self, x, elements))
    }

    /// dx = f(x, g), as many elements as x, from `elements` gradients: the kernel `backward`.
    pub(crate) fn backward(&self, x: Input<'_>, g: Input<'_>, elements: usize) -> Result<CudaStorage> {
        for_element_type!(self.module, x.0, backward(self, x, g, elements))
    }

    /// dx = f(x, g), all of one shape, in two steps: the kernel `ratio`, whose result only the kernel `backward` sees.
    pub(crate) fn backward_with_ratio(&self, x: Input<'_>, g: Input<'_>) -> Result<CudaStorage> {
        for_element_type!(self.module, x.0, backward_with_ratio(self, x, g))
    }

    /// Runs the kernel `step` (empty for the one named as its module).
    ///
    /// # Safety
    ///
    /// The kernel must take the parameters, then `reads`, then `output`, of these types, and keep within their lengths.
    unsafe fn run<T: Element, O>(
        &self,
        device: &CudaDevice,
        step: &str,
        reads: &[&CudaView<'_, T>],
        scratch: Option<&CudaSlice<T::Wide>>,
        output: &mut CudaSlice<O>,
    ) -> Result<()> {
        let separator = if step.is_empty() { "" } else { "_" };
        let name = format!("{}{separator}{step}_{}", self.module.name, T::SUFFIX);
        let function =
            device.get_or_load_custom_func(&name, &format!("alexnet_{}", self.module.name), self.module.ptx)?;
        let mut builder = function.builder();
        builder.arg(&self.params);
        for view in reads {
            builder.arg(*view);
        }
        if let Some(scratch) = scratch {
            builder.arg(scratch);
        }
        builder.arg(output);
        let config = LaunchConfig {
            grid_dim: (self.grid.blocks.0, self.grid.blocks.1, 1),
            block_dim: (self.grid.threads, 1, 1),
            shared_mem_bytes: 0,
        };
        // SAFETY: the caller's promise.
        unsafe { builder.launch(config) }.w()?;
        Ok(())
    }
}

/// The elements of a contiguous tensor.
fn view<'a, T: Element>((storage, layout): Input<'a>, op: &'static str) -> Result<CudaView<'a, T>> {
    let (start, end) = layout.contiguous_offsets().ok_or_else(|| Error::RequiresContiguous { op }.bt())?;
    Ok(storage.as_cuda_slice::<T>()?.slice(start..end))
}

/// A gradient's elements, as many as the kernel will read.
fn gradient<'a, T: Element>(g: Input<'a>, elements: usize, op: &'static str) -> Result<CudaView<'a, T>> {
    let view = view::<T>(g, op)?;
    if view.len() != elements {
        candle_core::bail!("{op}: a gradient of {} elements where {elements} belong", view.len());
    }
    Ok(view)
}

fn forward<T: Element, P: DeviceRepr>(launch: &Launch<P>, x: Input<'_>, elements: usize) -> Result<CudaStorage> {
    let device = x.0.device();
    let x = view::<T>(x, launch.module.name)?;
    // SAFETY: the kernel writes every element before anything reads one.
    let mut y = unsafe { device.alloc::<T>(elements) }?;
    // SAFETY: the forward kernels are (params, x, y); the parameters were made from the shapes of these two.
    unsafe { launch.run(device, "", &[&x], None, &mut y) }?;
    Ok(CudaStorage::wrap_cuda_slice(y, device.clone()))
}

fn backward<T: Element, P: DeviceRepr>(
    launch: &Launch<P>,
    x: Input<'_>,
    g: Input<'_>,
    elements: usize,
) -> Result<CudaStorage> {
    let device = x.0.device();
    let x = view::<T>(x, launch.module.name)?;
    let g = gradient::<T>(g, elements, launch.module.name)?;
    // SAFETY: the kernel writes every element before anything reads one.
    let mut dx = unsafe { device.alloc::<T>(x.len()) }?;
    // SAFETY: the backward kernels are (params, x, g, dx); the parameters were made from the shapes of these.
    unsafe { launch.run(device, "backward", &[&x, &g], None, &mut dx) }?;
    Ok(CudaStorage::wrap_cuda_slice(dx, device.clone()))
}

fn backward_with_ratio<T: Element, P: DeviceRepr>(
    launch: &Launch<P>,
    x: Input<'_>,
    g: Input<'_>,
) -> Result<CudaStorage> {
    let device = x.0.device();
    let x = view::<T>(x, launch.module.name)?;
    let g = gradient::<T>(g, x.len(), launch.module.name)?;
    // SAFETY: the first kernel writes every element before the second reads one.
    let mut ratio = unsafe { device.alloc::<T::Wide>(x.len()) }?;
    // SAFETY: the ratio kernels are (params, x, g, ratio), all of x's shape, from which the parameters were made.
    unsafe { launch.run(device, "ratio", &[&x, &g], None, &mut ratio) }?;
    // SAFETY: the kernel writes every element before anything reads one.
    let mut dx = unsafe { device.alloc::<T>(x.len()) }?;
    // SAFETY: these backward kernels are (params, x, g, ratio, dx), all of x's shape.
    unsafe { launch.run(device, "backward", &[&x, &g], Some(&ratio), &mut dx) }?;
    Ok(CudaStorage::wrap_cuda_slice(dx, device.clone()))
}

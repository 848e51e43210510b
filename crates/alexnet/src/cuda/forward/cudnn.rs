//! Convolutions by cuDNN: with groups, in either order of axes, with an algorithm that is measured once.
//!
//! cudarc's safe interface records events around each call, which a graph's capture does not allow, and asks for an
//! algorithm by heuristics alone. This is the one file that knows cuDNN's handles.

use super::geometry::{Axes, Geometry};
use super::{Address, Arithmetic, Workspace, int};
use candle_core::{DType, Error, Result, bail};
use cudarc::cudnn::{result, sys};
use cudarc::driver::CudaStream;
use std::ffi::c_void;
use std::ptr::null_mut;
use std::sync::Arc;

/// Declares an owner of one of cuDNN's objects.
macro_rules! owner {
    ($name:ident, $object:ty, $create:path, $destroy:path) => {
        struct $name($object);

        impl $name {
            fn new() -> Result<$name> {
                Ok($name($create().map_err(Error::wrap)?))
            }
        }

        impl Drop for $name {
            fn drop(&mut self) {
                // SAFETY: `new` created the object, nothing else owns it, and it is destroyed here alone. What cuDNN says
                // of that is of no use any more.
                let _ = unsafe { $destroy(self.0) };
            }
        }
    };
}

owner!(Tensor, sys::cudnnTensorDescriptor_t, result::create_tensor_descriptor, result::destroy_tensor_descriptor);
owner!(Filter, sys::cudnnFilterDescriptor_t, result::create_filter_descriptor, result::destroy_filter_descriptor);
owner!(
    Sliding,
    sys::cudnnConvolutionDescriptor_t,
    result::create_convolution_descriptor,
    result::destroy_convolution_descriptor
);
owner!(
    Activation,
    sys::cudnnActivationDescriptor_t,
    result::create_activation_descriptor,
    sys::cudnnDestroyActivationDescriptor
);
owner!(Context, sys::cudnnHandle_t, result::create_handle, result::destroy_handle);

/// A connection to cuDNN, shared by the convolutions of a model.
#[derive(Clone)]
pub(super) struct Cudnn(Arc<Context>);

impl Cudnn {
    /// A connection for the context that is current on this thread.
    pub(super) fn new() -> Result<Cudnn> {
        // The context is neither Send nor Sync, and needs not be: see `Planner`.
        #[allow(clippy::arc_with_non_send_sync)]
        Ok(Cudnn(Arc::new(Context::new()?)))
    }

    /// Has the following calls put their work on `stream`.
    fn put_on(&self, stream: &CudaStream) -> Result<()> {
        // SAFETY: both exist, and belong to the same context: `Plan` makes them of one device.
        unsafe { result::set_stream(self.0.0, stream.cu_stream().cast()) }.map_err(Error::wrap)
    }
}

/// Where a convolution's tensors are. Each is as long as the geometry and the batch say.
#[derive(Clone, Copy)]
pub(super) struct Places {
    pub(super) x: Address,
    pub(super) weights: Address,
    pub(super) bias: Address,
    pub(super) y: Address,
}

/// A convolution of one shape, ready to run.
pub(super) struct Convolution {
    cudnn: Cudnn,
    x: Tensor,
    weights: Filter,
    sliding: Sliding,
    y: Tensor,
    bias: Tensor,
    relu: Activation,
    algorithm: sys::cudnnConvolutionFwdAlgo_t,
    /// Bytes of the workspace that the algorithm needs.
    pub(super) workspace: usize,
    places: Places,
}

/// Calls one of cuDNN's convolutions with what all of them take first, and then what this one takes besides: once times the
/// convolution, none of what stands at y. The factors are floats for every type of element that is computed here.
macro_rules! convolve {
    ($function:path, $convolution:expr, $workspace:expr, $($further:expr),+ $(,)?) => {{
        let (one, zero) = (1f32, 0f32);
        $function(
            $convolution.cudnn.0.0,
            (&raw const one).cast(),
            $convolution.x.0,
            $convolution.places.x as *const c_void,
            $convolution.weights.0,
            $convolution.places.weights as *const c_void,
            $convolution.sliding.0,
            $convolution.algorithm,
            $convolution.workspace_address($workspace),
            $convolution.workspace,
            (&raw const zero).cast(),
            $convolution.y.0,
            $($further),+
        )
    }};
}

/// The most results that a search gives: more than cuDNN has algorithms, each with its kinds of arithmetic.
const MAX_RESULTS: usize = 24;

impl Convolution {
    /// The convolution of a batch. Its algorithm is the fastest of those that `arithmetic` allows, found by running them
    /// all on `stream` with what stands at `places` and the whole of `workspace`; y is overwritten.
    ///
    /// # Safety
    ///
    /// The tensors at `places` must be of the geometry's sizes and of type `dtype`, remain allocated as long as the
    /// convolution exists, and be used on `stream` alone meanwhile.
    pub(super) unsafe fn new(
        cudnn: &Cudnn,
        (geometry, axes, batch): (&Geometry, Axes, usize),
        (dtype, arithmetic): (DType, Arithmetic),
        places: Places,
        (stream, workspace): (&CudaStream, &Workspace),
    ) -> Result<Convolution> {
        let Geometry { input, output, kernel, stride, pads, groups, .. } = *geometry;
        let format = match axes {
            Axes::Planar => sys::cudnnTensorFormat_t::CUDNN_TENSOR_NCHW,
            Axes::ChannelsLast => sys::cudnnTensorFormat_t::CUDNN_TENSOR_NHWC,
        };
        let elements = match dtype {
            DType::F32 => sys::cudnnDataType_t::CUDNN_DATA_FLOAT,
            DType::F16 => sys::cudnnDataType_t::CUDNN_DATA_HALF,
            DType::BF16 => sys::cudnnDataType_t::CUDNN_DATA_BFLOAT16,
            other => bail!("no convolution of {other:?} here"),
        };
        let [x, y, bias] = [Tensor::new()?, Tensor::new()?, Tensor::new()?];
        let dims = |n: usize, [c, h, w]: [usize; 3]| Ok::<_, Error>([int(n)?, int(c)?, int(h)?, int(w)?]);
        for (tensor, dims) in
            [(&x, dims(batch, input)?), (&y, dims(batch, output)?), (&bias, dims(1, [output[0], 1, 1])?)]
        {
            // SAFETY: the descriptor exists.
            unsafe { result::set_tensor4d_descriptor(tensor.0, format, elements, dims) }.map_err(Error::wrap)?;
        }
        let weights = Filter::new()?;
        let filter_dims = dims(output[0], [input[0] / groups, kernel[0], kernel[1]])?;
        // SAFETY: the descriptor exists.
        unsafe { result::set_filter4d_descriptor(weights.0, elements, format, filter_dims) }.map_err(Error::wrap)?;

        let sliding = Sliding::new()?;
        let math = match (dtype, arithmetic) {
            // The default allows TF32.
            (DType::F32, Arithmetic::Exact) => sys::cudnnMathType_t::CUDNN_FMA_MATH,
            (DType::F32, Arithmetic::Tf32) => sys::cudnnMathType_t::CUDNN_DEFAULT_MATH,
            _ => sys::cudnnMathType_t::CUDNN_TENSOR_OP_MATH,
        };
        // SAFETY: the descriptor exists in each of these calls.
        unsafe {
            result::set_convolution2d_descriptor(
                sliding.0,
                int(pads[0])?,
                int(pads[1])?,
                int(stride[0])?,
                int(stride[1])?,
                1,
                1,
                sys::cudnnConvolutionMode_t::CUDNN_CROSS_CORRELATION,
                // What sums are held in, whatever the elements are.
                sys::cudnnDataType_t::CUDNN_DATA_FLOAT,
            )
            .map_err(Error::wrap)?;
            result::set_convolution_group_count(sliding.0, int(groups)?).map_err(Error::wrap)?;
            result::set_convolution_math_type(sliding.0, math).map_err(Error::wrap)?;
        }
        let relu = Activation::new()?;
        // SAFETY: the descriptor exists. A NaN becomes 0, as in our kernel and in candle's.
        unsafe {
            result::set_activation_descriptor(
                relu.0,
                sys::cudnnActivationMode_t::CUDNN_ACTIVATION_RELU,
                sys::cudnnNanPropagation_t::CUDNN_NOT_PROPAGATE_NAN,
                0.0,
            )
        }
        .map_err(Error::wrap)?;

        let algorithm = sys::cudnnConvolutionFwdAlgo_t::CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_PRECOMP_GEMM;
        let cudnn = cudnn.clone();
        let mut convolution =
            Convolution { cudnn, x, weights, sliding, y, bias, relu, algorithm, workspace: 0, places };
        // SAFETY: the caller's promise.
        let found = unsafe { convolution.search(stream, workspace) }?;
        let Some(best) = found.iter().find(|result| allowed(result, dtype, arithmetic)) else {
            bail!("cuDNN has no algorithm for a convolution of {geometry:?} in {dtype:?}, {axes:?}");
        };
        (convolution.algorithm, convolution.workspace) = (best.algo, best.memory);
        if math != sys::cudnnMathType_t::CUDNN_FMA_MATH {
            // SAFETY: the descriptor exists.
            unsafe { result::set_convolution_math_type(convolution.sliding.0, best.mathType) }.map_err(Error::wrap)?;
        }
        Ok(convolution)
    }

    /// Every algorithm with its time, the fastest first.
    ///
    /// # Safety
    ///
    /// That of [`Convolution::new`].
    unsafe fn search(
        &self,
        stream: &CudaStream,
        workspace: &Workspace,
    ) -> Result<Vec<sys::cudnnConvolutionFwdAlgoPerf_t>> {
        self.cudnn.put_on(stream)?;
        // SAFETY: the struct is of numbers and of enumerations that have a variant of value 0.
        let mut results = [unsafe { std::mem::zeroed::<sys::cudnnConvolutionFwdAlgoPerf_t>() }; MAX_RESULTS];
        let mut count = 0;
        // SAFETY: the descriptors exist; the tensors are as they say, by the caller's promise; cuDNN writes at most as
        // many results as it is asked for, and their number.
        unsafe {
            sys::cudnnFindConvolutionForwardAlgorithmEx(
                self.cudnn.0.0,
                self.x.0,
                self.places.x as *const c_void,
                self.weights.0,
                self.places.weights as *const c_void,
                self.sliding.0,
                self.y.0,
                self.places.y as *mut c_void,
                MAX_RESULTS as i32,
                &mut count,
                results.as_mut_ptr(),
                workspace.address as *mut c_void,
                workspace.bytes,
            )
        }
        .result()
        .map_err(Error::wrap)?;
        Ok(results.into_iter().take(usize::try_from(count).unwrap_or(0)).collect())
    }

    /// y = x * weights, without the bias.
    ///
    /// # Safety
    ///
    /// `workspace` must have as many bytes as the convolution asks for, and be used on `stream` alone; so must the places.
    pub(super) unsafe fn run(&self, stream: &CudaStream, workspace: &Workspace) -> Result<()> {
        self.cudnn.put_on(stream)?;
        // SAFETY: the descriptors exist, and the places are as they say by the promise made to `new`.
        unsafe { convolve!(result::convolution_forward, self, workspace, self.places.y as *mut c_void) }
            .map_err(Error::wrap)
    }

    /// y = max(x * weights + bias, 0). Errs at once where cuDNN doesn't have this for the algorithm.
    ///
    /// # Safety
    ///
    /// That of [`Convolution::run`].
    pub(super) unsafe fn run_with_bias_and_relu(&self, stream: &CudaStream, workspace: &Workspace) -> Result<()> {
        self.cudnn.put_on(stream)?;
        // SAFETY: as in `run`. What cuDNN would add besides is y times zero, which it doesn't read.
        unsafe {
            convolve!(
                result::convolution_bias_activation_forward,
                self,
                workspace,
                self.places.y as *const c_void,
                self.bias.0,
                self.places.bias as *const c_void,
                self.relu.0,
                self.y.0,
                self.places.y as *mut c_void,
            )
        }
        .map_err(Error::wrap)
    }

    fn workspace_address(&self, workspace: &Workspace) -> *mut c_void {
        if self.workspace == 0 { null_mut() } else { workspace.address as *mut c_void }
    }
}

/// Whether a result of a search is an algorithm that ran, gives the same bits every time, and sums in the way asked for.
fn allowed(found: &sys::cudnnConvolutionFwdAlgoPerf_t, dtype: DType, arithmetic: Arithmetic) -> bool {
    use sys::cudnnConvolutionFwdAlgo_t::*;
    // Winograd's and Fourier's transforms round more than the sums do.
    let plain = matches!(
        found.algo,
        CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_GEMM
            | CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_PRECOMP_GEMM
            | CUDNN_CONVOLUTION_FWD_ALGO_GEMM
            | CUDNN_CONVOLUTION_FWD_ALGO_DIRECT
    );
    found.status.result().is_ok()
        && found.determinism == sys::cudnnDeterminism_t::CUDNN_DETERMINISTIC
        && (plain || dtype == DType::F32 && arithmetic == Arithmetic::Tf32)
}

//! Fully connected layers by cuBLASLt, with bias and ReLU in the product's epilogue and an algorithm that is measured once.
//!
//! cudarc's safe interface always computes f32 in TF32, asks for an algorithm at every call and records events, which a
//! graph's capture does not allow. This is the one file that knows cuBLASLt's handles.

use super::{Address, Arithmetic, Workspace};
use candle_core::cuda_backend::WrapErr;
use candle_core::{DType, Error, Result, bail};
use cudarc::cublaslt::{result, sys};
use cudarc::driver::CudaStream;
use cudarc::driver::sys::CUevent_flags;
use std::ffi::c_void;
use std::sync::Arc;

/// Declares an owner of one of cuBLASLt's objects.
macro_rules! owner {
    ($name:ident, $object:ty, $destroy:path) => {
        struct $name($object);

        impl Drop for $name {
            fn drop(&mut self) {
                // SAFETY: the object was created for this owner alone, and is destroyed here alone. What cuBLASLt says of
                // that is of no use any more.
                let _ = unsafe { $destroy(self.0) };
            }
        }
    };
}

owner!(Context, sys::cublasLtHandle_t, result::destroy_handle);
owner!(Matrix, sys::cublasLtMatrixLayout_t, result::destroy_matrix_layout);
owner!(Product, sys::cublasLtMatmulDesc_t, result::destroy_matmul_desc);
owner!(Preference, sys::cublasLtMatmulPreference_t, result::destroy_matmul_pref);

/// A connection to cuBLASLt, shared by the layers of a model.
#[derive(Clone)]
pub(super) struct CublasLt(Arc<Context>);

impl CublasLt {
    /// A connection for the context that is current on this thread.
    pub(super) fn new() -> Result<CublasLt> {
        // The context is neither Send nor Sync, and needs not be: see `Planner`.
        #[allow(clippy::arc_with_non_send_sync)]
        Ok(CublasLt(Arc::new(Context(result::create_handle().map_err(Error::wrap)?))))
    }
}

/// Where a layer's tensors are, all contiguous: x `[rows, inputs]`, weights `[outputs, inputs]`, bias `[outputs]`, y `[rows,
/// outputs]`.
#[derive(Clone, Copy)]
pub(super) struct Places {
    pub(super) x: Address,
    pub(super) weights: Address,
    pub(super) bias: Address,
    pub(super) y: Address,
}

/// The sizes of a layer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sizes {
    pub(super) rows: usize,
    pub(super) inputs: usize,
    pub(super) outputs: usize,
    pub(super) relu: bool,
}

/// A fully connected layer of one shape, ready to run.
pub(super) struct Linear {
    context: CublasLt,
    product: Product,
    weights: Matrix,
    x: Matrix,
    y: Matrix,
    algorithm: sys::cublasLtMatmulAlgo_t,
    /// Bytes of the workspace that the algorithm needs.
    pub(super) workspace: usize,
    places: Places,
}

/// How many algorithms are tried.
const CANDIDATES: usize = 12;
/// How often each is run while it is timed.
const ROUNDS: usize = 5;

impl Linear {
    /// The layer. Its algorithm is the fastest of those that cuBLASLt proposes, found by running them on `stream` with what
    /// stands at `places`; y is overwritten.
    ///
    /// # Safety
    ///
    /// The tensors at `places` must be of these sizes and of type `dtype`, remain allocated as long as the layer exists,
    /// and be used on `stream` alone meanwhile.
    pub(super) unsafe fn new(
        context: &CublasLt,
        sizes: Sizes,
        (dtype, arithmetic): (DType, Arithmetic),
        places: Places,
        (stream, workspace): (&CudaStream, &Workspace),
    ) -> Result<Linear> {
        let elements = match dtype {
            DType::F32 => sys::cudaDataType_t::CUDA_R_32F,
            DType::F16 => sys::cudaDataType_t::CUDA_R_16F,
            DType::BF16 => sys::cudaDataType_t::CUDA_R_16BF,
            other => bail!("no product of {other:?} here"),
        };
        let compute = match (dtype, arithmetic) {
            (DType::F32, Arithmetic::Tf32) => sys::cublasComputeType_t::CUBLAS_COMPUTE_32F_FAST_TF32,
            _ => sys::cublasComputeType_t::CUBLAS_COMPUTE_32F,
        };
        // cuBLASLt's matrices are column by column: it sees x [inputs, rows], weights [inputs, outputs], which it is told
        // to transpose, and y [outputs, rows], to whose rows the bias belongs.
        let Sizes { rows, inputs, outputs, relu } = sizes;
        let matrix = |height: usize, width: usize| {
            let stride = i64::try_from(height).map_err(Error::wrap)?;
            let matrix = result::create_matrix_layout(elements, height as u64, width as u64, stride);
            Ok::<_, Error>(Matrix(matrix.map_err(Error::wrap)?))
        };
        let (weights, x, y) = (matrix(inputs, outputs)?, matrix(inputs, rows)?, matrix(outputs, rows)?);
        let product = result::create_matmul_desc(compute, sys::cudaDataType_t::CUDA_R_32F);
        let product = Product(product.map_err(Error::wrap)?);
        let epilogue = match relu {
            true => sys::cublasLtEpilogue_t::CUBLASLT_EPILOGUE_RELU_BIAS,
            false => sys::cublasLtEpilogue_t::CUBLASLT_EPILOGUE_BIAS,
        };
        use sys::cublasLtMatmulDescAttributes_t::*;
        // SAFETY: the attributes' types are those of cuBLASLt's documentation: a 32-bit operation, a 32-bit epilogue, a
        // device address.
        unsafe {
            set(&product, CUBLASLT_MATMUL_DESC_TRANSA, cudarc::cublas::sys::cublasOperation_t::CUBLAS_OP_T as u32)?;
            set(&product, CUBLASLT_MATMUL_DESC_EPILOGUE, epilogue as u32)?;
            set(&product, CUBLASLT_MATMUL_DESC_BIAS_POINTER, places.bias)?;
        }
        let candidates = candidates(context, &product, [&weights, &x, &y], workspace.bytes)?;
        let Some(first) = candidates.first() else {
            bail!("cuBLASLt has no algorithm for {sizes:?} in {dtype:?}");
        };
        let (context, algorithm, workspace_bytes) = (context.clone(), first.algo, first.workspaceSize);
        let mut linear = Linear { context, product, weights, x, y, algorithm, workspace: workspace_bytes, places };
        let mut fastest = f32::INFINITY;
        let mut best = None;
        for candidate in candidates {
            (linear.algorithm, linear.workspace) = (candidate.algo, candidate.workspaceSize);
            // SAFETY: the caller's promise; no candidate needs more than the workspace.
            if let Ok(time) = unsafe { linear.time(stream, workspace) }
                && time < fastest
            {
                (fastest, best) = (time, Some(candidate));
            }
        }
        let Some(best) = best else { bail!("none of cuBLASLt's algorithms ran for {sizes:?} in {dtype:?}") };
        (linear.algorithm, linear.workspace) = (best.algo, best.workspaceSize);
        Ok(linear)
    }

    /// Milliseconds of [`ROUNDS`] runs.
    ///
    /// # Safety
    ///
    /// That of [`Linear::run`].
    unsafe fn time(&self, stream: &CudaStream, workspace: &Workspace) -> Result<f32> {
        let event = || stream.record_event(Some(CUevent_flags::CU_EVENT_DEFAULT)).w();
        // SAFETY: the caller's promise. The first run loads the kernel.
        unsafe { self.run(stream, workspace) }?;
        let start = event()?;
        for _ in 0..ROUNDS {
            // SAFETY: the caller's promise.
            unsafe { self.run(stream, workspace) }?;
        }
        start.elapsed_ms(&event()?).w()
    }

    /// y = x weights^T + bias, then max(y, 0) where the sizes say so.
    ///
    /// # Safety
    ///
    /// `workspace` must have as many bytes as the layer asks for, and be used on `stream` alone; so must the places.
    pub(super) unsafe fn run(&self, stream: &CudaStream, workspace: &Workspace) -> Result<()> {
        let (one, zero) = (1f32, 0f32);
        // SAFETY: the descriptors exist, the places are as they say by the promise made to `new`, and alpha and beta are
        // of the scale's type, f32. y is both C and D, which cuBLASLt allows; with beta = 0 it isn't read.
        unsafe {
            result::matmul(
                self.context.0.0,
                self.product.0,
                (&raw const one).cast(),
                (&raw const zero).cast(),
                self.places.weights as *const c_void,
                self.weights.0,
                self.places.x as *const c_void,
                self.x.0,
                self.places.y as *const c_void,
                self.y.0,
                self.places.y as *mut c_void,
                self.y.0,
                &raw const self.algorithm,
                workspace.address as *mut c_void,
                self.workspace,
                stream.cu_stream().cast(),
            )
        }
        .map_err(Error::wrap)
    }
}

/// Sets an attribute of a product.
///
/// # Safety
///
/// `value` must be of the attribute's type.
unsafe fn set<T>(product: &Product, attribute: sys::cublasLtMatmulDescAttributes_t, value: T) -> Result<()> {
    // SAFETY: the descriptor exists, the value is as long as it is said to be, and of the right type by the caller's promise.
    unsafe { result::set_matmul_desc_attribute(product.0, attribute, (&raw const value).cast(), size_of::<T>()) }
        .map_err(Error::wrap)
}

/// The algorithms that cuBLASLt proposes, the most promising first.
fn candidates(
    context: &CublasLt,
    product: &Product,
    [weights, x, y]: [&Matrix; 3],
    workspace: usize,
) -> Result<Vec<sys::cublasLtMatmulHeuristicResult_t>> {
    let preference = Preference(result::create_matmul_pref().map_err(Error::wrap)?);
    // Partial sums stay in f32: other schemes add them up in the type of y.
    let schemes = sys::cublasLtReductionScheme_t::CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE as u32;
    use sys::cublasLtMatmulPreferenceAttributes_t::*;
    // SAFETY: the preference exists; the attributes are a 64-bit size and a 32-bit mask.
    unsafe {
        let attribute = CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES;
        result::set_matmul_pref_attribute(preference.0, attribute, (&raw const workspace).cast(), size_of::<usize>())
            .map_err(Error::wrap)?;
        let attribute = CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK;
        result::set_matmul_pref_attribute(preference.0, attribute, (&raw const schemes).cast(), size_of::<u32>())
            .map_err(Error::wrap)?;
    }
    // SAFETY: the struct is of numbers and of a status that has a variant of value 0.
    let mut results = [unsafe { std::mem::zeroed::<sys::cublasLtMatmulHeuristicResult_t>() }; CANDIDATES];
    let mut count = 0;
    // SAFETY: the descriptors exist; cuBLASLt writes at most as many results as it is asked for, and their number.
    unsafe {
        sys::cublasLtMatmulAlgoGetHeuristic(
            context.0.0,
            product.0,
            weights.0,
            x.0,
            y.0,
            y.0,
            preference.0,
            CANDIDATES as i32,
            results.as_mut_ptr(),
            &mut count,
        )
    }
    .result()
    .map_err(Error::wrap)?;
    let found = results.into_iter().take(usize::try_from(count).unwrap_or(0));
    let usable = found.filter(|result| result.state.result().is_ok() && result.workspaceSize <= workspace);
    Ok(usable.collect())
}

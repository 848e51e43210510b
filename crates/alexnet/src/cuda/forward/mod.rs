//! The whole forward pass on a CUDA device as one graph: what `AlexNet::forward` does there in a build with cuDNN.
//!
//! A network becomes [steps](program): convolutions by cuDNN, each with one kernel of ours for the bias, ReLU, norm and
//! pool that follow it, and fully connected layers by cuBLASLt with bias and ReLU in the product's epilogue. For a batch
//! size these become a [plan](plan::Plan): buffers, algorithms and workspace, chosen once by running what there is, and
//! then captured as a CUDA graph, which later passes replay.
//!
//! 16-bit tensors lie channels last between the steps, and are summed in f32. f32 is computed as such, in plain sums, or,
//! where `candle_core::cuda::set_gemm_reduced_precision_f32(true)` allows it, in TF32.
//!
//! Weights are read where candle has them, and packed for tensor cores once. Hence a model with variables has no plan: its
//! layers run one by one, as they do for training and taps. So do networks with other layers, other element types, and
//! whatever a library refuses.

mod geometry;
mod program;

#[cfg(feature = "cudnn")]
mod buffer;
#[cfg(feature = "cudnn")]
mod build;
#[cfg(feature = "cudnn")]
mod cublaslt;
#[cfg(feature = "cudnn")]
mod cudnn;
#[cfg(feature = "cudnn")]
mod graph;
#[cfg(feature = "cudnn")]
mod kernel;
#[cfg(feature = "cudnn")]
mod plan;
#[cfg(feature = "cudnn")]
mod planner;

#[cfg(feature = "cudnn")]
pub(crate) use planner::Forward;
#[cfg(feature = "cudnn")]
use {
    buffer::{Address, Buffer, Workspace},
    candle_core::{Result, bail},
};

/// How f32 is multiplied.
#[cfg(feature = "cudnn")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Arithmetic {
    /// In f32. 16-bit types are multiplied as they are in either case.
    Exact,
    /// With 10 bits of fraction, summed in f32.
    Tf32,
}

/// A size as the libraries take it.
#[cfg(feature = "cudnn")]
fn int(size: usize) -> Result<i32> {
    match i32::try_from(size) {
        Ok(size) => Ok(size),
        Err(_) => bail!("a size of {size} is more than CUDA's libraries count to"),
    }
}

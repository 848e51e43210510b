//! The CUDA side of the custom operations: what `kernels/*.cu` are told, and how they are launched.
//!
//! [`params`] and [`grid`] know nothing of CUDA's libraries: the tests build them everywhere, and run the kernels as C++
//! on the CPU with exactly the bytes and the grid that a GPU gets.

#[cfg(any(test, feature = "cudnn"))]
mod forward;
mod grid;
#[cfg(feature = "cuda")]
mod launch;
pub(crate) mod params;
#[cfg(test)]
mod tests;

#[cfg(feature = "cudnn")]
pub(crate) use forward::Forward;
pub(crate) use grid::Grid;
#[cfg(feature = "cudnn")]
pub(crate) use launch::{EPILOGUE, PACK};
#[cfg(feature = "cuda")]
pub(crate) use launch::{Input, LOCAL_RESPONSE_NORM, Launch, MAX_POOL2D, SPATIAL_RESPONSE_NORM};

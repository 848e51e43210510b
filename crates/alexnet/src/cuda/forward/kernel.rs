//! Kernels of ours over addresses.

use super::{Address, Buffer};
use crate::cuda::launch::Module;
use crate::cuda::{Grid, PACK, params};
use candle_core::cuda_backend::{CudaDevice, WrapErr};
use candle_core::{DType, Result};
use cudarc::driver::{CudaFunction, CudaStream, DeviceRepr, LaunchConfig, PushKernelArg};

/// A kernel with its parameters.
pub(super) struct Kernel<P> {
    function: CudaFunction,
    params: P,
    grid: Grid,
}

impl<P: DeviceRepr> Kernel<P> {
    pub(super) fn new(device: &CudaDevice, module: Module, dtype: DType, params: P, grid: Grid) -> Result<Kernel<P>> {
        Ok(Kernel { function: module.forward(device, dtype)?, params, grid })
    }

    /// Launches it.
    ///
    /// # Safety
    ///
    /// The kernel must take the parameters, then tensors at `addresses`, as large as the parameters say, of the type that
    /// the kernel was made for, and allocated until it has run.
    pub(super) unsafe fn launch(&self, stream: &CudaStream, addresses: &[Address]) -> Result<()> {
        let mut builder = stream.launch_builder(&self.function);
        builder.arg(&self.params);
        for address in addresses {
            builder.arg(address);
        }
        let config = LaunchConfig {
            grid_dim: (self.grid.blocks.0, self.grid.blocks.1, 1),
            block_dim: (self.grid.threads, 1, 1),
            shared_mem_bytes: 0,
        };
        // SAFETY: the caller's promise; an address is passed as the pointer that it is.
        unsafe { builder.launch(config) }.w()?;
        Ok(())
    }
}

/// The kernel that packs a source of `[images, channels, height, width]`, and how many elements it makes.
pub(super) fn packing(
    device: &CudaDevice,
    dtype: DType,
    packing: params::Packing,
    source: [usize; 4],
) -> Result<(Kernel<params::Pack>, usize)> {
    let params = params::Pack::new(packing, source)?;
    let [images, channels, ..] = source;
    // In range: `params` has been made.
    let per_image = channels * packing.block[0] * packing.block[1] * packing.out[0] * packing.out[1];
    let kernel = Kernel::new(device, PACK, dtype, params, Grid::over(per_image, images))?;
    Ok((kernel, images * per_image))
}

/// Weights in a buffer of their own, packed.
pub(super) fn packed(
    device: &CudaDevice,
    dtype: DType,
    how: params::Packing,
    (weights, dims): (Address, [usize; 4]),
) -> Result<Buffer> {
    let (kernel, elements) = packing(device, dtype, how, dims)?;
    let buffer = Buffer::new(device, elements * dtype.size_in_bytes())?;
    // SAFETY: `pack` is (params, x, y); x are the weights, of these dimensions, whose tensor the planner holds on to, and y
    // is as large as the kernel makes it. Later work on the same stream, the only one to use the buffer, runs after it.
    unsafe { kernel.launch(&device.cuda_stream(), &[weights, buffer.address]) }?;
    Ok(buffer)
}

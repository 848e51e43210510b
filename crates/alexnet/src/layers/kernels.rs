//! What the custom operations' kernels have in common.

mod cpu;
mod fused;
mod real;

use candle_core::Device;

pub(super) use cpu::{Kernel, run};
pub(super) use fused::{Fused, apply};
pub(super) use real::{Power, Real};

/// Whether our custom operations have kernels on `device`; elsewhere they are composed of candle's own operations.
pub(super) fn exist_on(device: &Device) -> bool {
    device.is_cpu() || device.is_cuda()
}

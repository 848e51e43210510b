use super::{channels_per_group, cpu};
use alexnet_spec::layers as spec;
use candle_core::{CpuStorage, CustomOp1, CustomOp2, Layout, Result, Shape, Tensor};
#[cfg(feature = "cuda")]
use {super::cuda, candle_core::CudaStorage};

/// `x` -> `y`.
pub(super) struct Forward(pub(super) spec::LocalResponseNorm);

/// `x`, gradient of `y` -> gradient of `x`.
pub(super) struct Backward(pub(super) spec::LocalResponseNorm);

/// How a tensor `[N, C, H, W]` divides into groups of planes that are normalised on their own.
pub(super) struct Planes {
    /// Channels in a group.
    pub(super) in_group: usize,
    /// Pixels in a channel.
    pub(super) pixels: usize,
}

impl Planes {
    pub(super) fn of(norm: &spec::LocalResponseNorm, shape: &Shape) -> Result<Planes> {
        let (_, channels, height, width) = shape.dims4()?;
        Ok(Planes { in_group: channels_per_group(norm, channels)?, pixels: height * width })
    }
}

impl CustomOp1 for Forward {
    fn name(&self) -> &'static str {
        "local-response-norm"
    }

    fn cpu_fwd(&self, x: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        Ok((cpu::forward(&self.0, x, layout)?, layout.shape().clone()))
    }

    #[cfg(feature = "cuda")]
    fn cuda_fwd(&self, x: &CudaStorage, layout: &Layout) -> Result<(CudaStorage, Shape)> {
        cuda::forward(&self.0, (x, layout))
    }

    fn bwd(&self, x: &Tensor, _y: &Tensor, grad: &Tensor) -> Result<Option<Tensor>> {
        let backward = Backward(self.0.clone());
        x.contiguous()?.apply_op2_no_bwd(&grad.contiguous()?, &backward).map(Some)
    }
}

impl CustomOp2 for Backward {
    fn name(&self) -> &'static str {
        "local-response-norm-backward"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        x_layout: &Layout,
        grad: &CpuStorage,
        grad_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        Ok((cpu::backward(&self.0, (x, x_layout), (grad, grad_layout))?, x_layout.shape().clone()))
    }

    #[cfg(feature = "cuda")]
    fn cuda_fwd(
        &self,
        x: &CudaStorage,
        x_layout: &Layout,
        grad: &CudaStorage,
        grad_layout: &Layout,
    ) -> Result<(CudaStorage, Shape)> {
        cuda::backward(&self.0, (x, x_layout), (grad, grad_layout))
    }
}

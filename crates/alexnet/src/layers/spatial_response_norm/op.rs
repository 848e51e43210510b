use super::cpu;
use alexnet_spec::layers as spec;
use candle_core::{CpuStorage, CustomOp1, CustomOp2, Layout, Result, Shape, Tensor};
#[cfg(feature = "cuda")]
use {super::cuda, candle_core::CudaStorage};

/// `x` -> `y`.
pub(super) struct Forward(pub(super) spec::SpatialResponseNorm);

/// `x`, gradient of `y` -> gradient of `x`.
pub(super) struct Backward(pub(super) spec::SpatialResponseNorm);

impl CustomOp1 for Forward {
    fn name(&self) -> &'static str {
        "spatial-response-norm"
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
        "spatial-response-norm-backward"
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

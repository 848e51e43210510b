#[cfg(feature = "cuda")]
use candle_core::CudaStorage;
use candle_core::{CpuStorage, CustomOp1, CustomOp2, Layout, Result, Shape, Tensor};

/// A layer without parameters that is one operation, forward and backward, wherever there are kernels for it.
pub(in crate::layers) trait Fused: Clone + Send + Sync + 'static {
    /// Its name in candle's errors, and that of its gradient.
    const NAMES: [&'static str; 2];

    /// The shape of the output for an input of shape `x`.
    fn output(&self, x: &Shape) -> Result<Shape>;

    /// The output on the CPU.
    fn cpu_forward(&self, x: (&CpuStorage, &Layout)) -> Result<CpuStorage>;

    /// The gradient of the input, from the input and the gradient of the output, on the CPU.
    fn cpu_backward(&self, x: (&CpuStorage, &Layout), grad: (&CpuStorage, &Layout)) -> Result<CpuStorage>;

    /// The output on a CUDA device.
    #[cfg(feature = "cuda")]
    fn cuda_forward(&self, x: (&CudaStorage, &Layout)) -> Result<(CudaStorage, Shape)>;

    /// The gradient of the input on a CUDA device.
    #[cfg(feature = "cuda")]
    fn cuda_backward(&self, x: (&CudaStorage, &Layout), grad: (&CudaStorage, &Layout)) -> Result<(CudaStorage, Shape)>;
}

/// The layer's output for `x`, which training can be taken through.
pub(in crate::layers) fn apply<T: Fused>(layer: &T, x: &Tensor) -> Result<Tensor> {
    x.contiguous()?.apply_op1(Forward(layer.clone()))
}

/// `x` -> `y`.
struct Forward<T>(T);

/// `x`, gradient of `y` -> gradient of `x`.
struct Backward<T>(T);

impl<T: Fused> CustomOp1 for Forward<T> {
    fn name(&self) -> &'static str {
        T::NAMES[0]
    }

    fn cpu_fwd(&self, x: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let output = self.0.output(layout.shape())?;
        Ok((self.0.cpu_forward((x, layout))?, output))
    }

    #[cfg(feature = "cuda")]
    fn cuda_fwd(&self, x: &CudaStorage, layout: &Layout) -> Result<(CudaStorage, Shape)> {
        self.0.cuda_forward((x, layout))
    }

    fn bwd(&self, x: &Tensor, _y: &Tensor, grad: &Tensor) -> Result<Option<Tensor>> {
        let backward = Backward(self.0.clone());
        x.contiguous()?.apply_op2_no_bwd(&grad.contiguous()?, &backward).map(Some)
    }
}

impl<T: Fused> CustomOp2 for Backward<T> {
    fn name(&self) -> &'static str {
        T::NAMES[1]
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        x_layout: &Layout,
        grad: &CpuStorage,
        grad_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        Ok((self.0.cpu_backward((x, x_layout), (grad, grad_layout))?, x_layout.shape().clone()))
    }

    #[cfg(feature = "cuda")]
    fn cuda_fwd(
        &self,
        x: &CudaStorage,
        x_layout: &Layout,
        grad: &CudaStorage,
        grad_layout: &Layout,
    ) -> Result<(CudaStorage, Shape)> {
        self.0.cuda_backward((x, x_layout), (grad, grad_layout))
    }
}

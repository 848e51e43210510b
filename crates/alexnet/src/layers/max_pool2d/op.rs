use super::{Window, cpu};
use crate::layers::kernels::Fused;
use alexnet_spec::layers as spec;
use candle_core::{CpuStorage, Layout, Result, Shape};
#[cfg(feature = "cuda")]
use {super::cuda, candle_core::CudaStorage};

impl Fused for spec::MaxPool2d {
    const NAMES: [&'static str; 2] = ["max-pool2d", "max-pool2d-backward"];

    fn output(&self, x: &Shape) -> Result<Shape> {
        let (batch, channels, height, width) = x.dims4()?;
        let [rows, columns] = Window::of(self, height, width)?;
        Ok(Shape::from((batch, channels, rows.outputs, columns.outputs)))
    }

    fn cpu_forward(&self, (x, layout): (&CpuStorage, &Layout)) -> Result<CpuStorage> {
        cpu::forward(self, x, layout)
    }

    fn cpu_backward(&self, x: (&CpuStorage, &Layout), grad: (&CpuStorage, &Layout)) -> Result<CpuStorage> {
        cpu::backward(self, x, grad)
    }

    #[cfg(feature = "cuda")]
    fn cuda_forward(&self, x: (&CudaStorage, &Layout)) -> Result<(CudaStorage, Shape)> {
        cuda::forward(self, x)
    }

    #[cfg(feature = "cuda")]
    fn cuda_backward(
        &self,
        x: (&CudaStorage, &Layout),
        grad: (&CudaStorage, &Layout),
    ) -> Result<(CudaStorage, Shape)> {
        cuda::backward(self, x, grad)
    }
}

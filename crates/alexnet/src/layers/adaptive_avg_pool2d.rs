use super::{Build, precision::widened};
use alexnet_spec::{Shape, layers as spec};
use candle_core::{DType, Device, Result, Tensor};
use candle_nn::{Module, VarBuilder};

/// Average pooling to a fixed output size; see [`spec::AdaptiveAvgPool2d`] for the windows.
///
/// It is two matrix products, one for the rows and one for the columns, with matrices that hold `1 / length` inside each
/// window: every device has them, and gradients pass through.
#[derive(Clone, Copy, Debug)]
pub struct AdaptiveAvgPool2d {
    output: [usize; 2],
}

impl AdaptiveAvgPool2d {
    /// Pooling to `output` rows and columns, each at least 1.
    pub fn new(output: [usize; 2]) -> AdaptiveAvgPool2d {
        AdaptiveAvgPool2d { output }
    }
}

impl Build for spec::AdaptiveAvgPool2d {
    type Layer = AdaptiveAvgPool2d;

    fn build(&self, _: Shape, _: VarBuilder) -> Result<AdaptiveAvgPool2d> {
        Ok(AdaptiveAvgPool2d::new(self.output))
    }
}

impl Module for AdaptiveAvgPool2d {
    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let (batch, channels, height, width) = x.dims4()?;
        let [rows, columns] = self.output;
        if (rows, columns) == (height, width) {
            return Ok(x.clone());
        }
        widened(x, |x| {
            let across = averaging(columns, width, x.dtype(), x.device())?.t()?;
            let down = averaging(rows, height, x.dtype(), x.device())?;
            let x = x.contiguous()?.reshape((batch * channels * height, width))?.matmul(&across)?;
            let x = x.reshape((batch * channels, height, columns))?;
            down.broadcast_left(batch * channels)?.contiguous()?.matmul(&x)?.reshape((batch, channels, rows, columns))
        })
    }
}

/// The matrix `[outputs, size]` whose row *i* averages the window of output *i*.
fn averaging(outputs: usize, size: usize, dtype: DType, device: &Device) -> Result<Tensor> {
    let mut matrix = vec![0f64; outputs * size];
    for (i, row) in matrix.chunks_exact_mut(size).enumerate() {
        let window = spec::AdaptiveAvgPool2d::range(i, outputs, size);
        let share = 1.0 / window.len() as f64;
        row[window].fill(share);
    }
    // f64 doesn't exist on Metal: the conversion happens before the tensor gets there.
    Tensor::from_vec(matrix, (outputs, size), &Device::Cpu)?.to_dtype(dtype)?.to_device(device)
}

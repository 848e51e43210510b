use super::{Build, precision::widened};
use alexnet_spec::{Shape, layers as spec};
use candle_core::{DType, Result, Tensor, bail};
use candle_nn::{BatchNorm, Init, ModuleT, VarBuilder};

/// Batch normalisation per channel of `[N, C, H, W]`, or per feature of `[N, F]`. 16-bit types compute in f32, and don't train.
///
/// In training the batch's own mean and variance are used, and the running ones follow with momentum 0.1, as in PyTorch.
#[derive(Clone, Debug)]
pub struct BatchNorm2d(BatchNorm);

impl BatchNorm2d {
    /// The layer from candle's batch norm, which must have weight and bias.
    pub fn new(norm: BatchNorm) -> BatchNorm2d {
        BatchNorm2d(norm)
    }

    /// One multiplication and one addition per value: the factor and the summand per channel are computed first, in f32 at
    /// least, so that a small variance doesn't vanish beside `eps` in 16 bits.
    fn evaluate(&self, x: &Tensor) -> Result<Tensor> {
        widened(x, |x| {
            let wide = |t: &Tensor| t.to_dtype(x.dtype());
            let mut scale = (wide(&self.0.running_var().detach())? + self.0.eps())?.sqrt()?.recip()?;
            let mut shift = (wide(&self.0.running_mean().detach())? * &scale)?.neg()?;
            if let Some((weight, bias)) = self.0.weight_and_bias() {
                scale = (scale * wide(weight)?)?;
                shift = ((shift * wide(weight)?)? + wide(bias)?)?;
            }
            // As many axes as the input, all of one but the channels'.
            let along = |t: Tensor| {
                let mut shape = vec![1; x.rank()];
                shape[1] = t.elem_count();
                t.reshape(shape)
            };
            x.broadcast_mul(&along(scale)?)?.broadcast_add(&along(shift)?)
        })
    }
}

impl Build for spec::BatchNorm2d {
    type Layer = BatchNorm2d;

    fn build(&self, input: Shape, vb: VarBuilder) -> Result<BatchNorm2d> {
        let channels = match input {
            Shape::Map { channels, .. } => channels,
            Shape::Vector(features) => features,
        };
        let get = |name, init| vb.get_with_hints(channels, name, Init::Const(init));
        let norm = BatchNorm::new(
            channels,
            get("running_mean", 0.0)?,
            get("running_var", 1.0)?,
            get("weight", 1.0)?,
            get("bias", 0.0)?,
            self.eps,
        )?;
        Ok(BatchNorm2d::new(norm))
    }
}

impl ModuleT for BatchNorm2d {
    fn forward_t(&self, x: &Tensor, train: bool) -> Result<Tensor> {
        match x.dtype() {
            _ if !train => self.evaluate(x),
            DType::F16 | DType::BF16 => bail!("batch norm doesn't train in {:?}: try f32", x.dtype()),
            _ => self.0.forward_train(x),
        }
    }
}

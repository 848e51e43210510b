use super::Build;
use alexnet_spec::{Shape, layers as spec};
use candle_core::{Result, Tensor, bail};
use candle_nn::{Init, Module, VarBuilder, init::DEFAULT_KAIMING_NORMAL};

/// `y = x W^T + b` with weights `[out, in]`.
#[derive(Clone, Debug)]
pub struct Linear(candle_nn::Linear);

impl Linear {
    /// The layer from `weight` `[out, in]` and `bias` `[out]`.
    pub fn new(weight: Tensor, bias: Tensor) -> Linear {
        Linear(candle_nn::Linear::new(weight, Some(bias)))
    }

    /// Weights and bias, as [`Linear::new`] takes them.
    #[cfg(feature = "cudnn")]
    pub(crate) fn parameters(&self) -> Option<(&Tensor, &Tensor)> {
        Some((self.0.weight(), self.0.bias()?))
    }
}

impl Build for spec::Linear {
    type Layer = Linear;

    fn build(&self, input: Shape, vb: VarBuilder) -> Result<Linear> {
        let Shape::Vector(features) = input else { bail!("needs a vector, but the input is a {input} map") };
        let bound = 1.0 / (features as f64).sqrt();
        Ok(Linear::new(
            vb.get_with_hints((self.out, features), "weight", DEFAULT_KAIMING_NORMAL)?,
            vb.get_with_hints(self.out, "bias", Init::Uniform { lo: -bound, up: bound })?,
        ))
    }
}

impl Module for Linear {
    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        self.0.forward(x)
    }
}

use super::Build;
use alexnet_spec::{Shape, layers as spec};
use candle_core::{Result, Tensor};
use candle_nn::{Module, VarBuilder};

/// `max(x, 0)`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Relu;

impl Build for spec::Relu {
    type Layer = Relu;

    fn build(&self, _: Shape, _: VarBuilder) -> Result<Relu> {
        Ok(Relu)
    }
}

impl Module for Relu {
    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        x.relu()
    }
}

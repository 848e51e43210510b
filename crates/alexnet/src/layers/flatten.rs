use super::Build;
use alexnet_spec::{Shape, layers as spec};
use candle_core::{Result, Tensor};
use candle_nn::{Module, VarBuilder};

/// `[N, C, H, W]` becomes `[N, C * H * W]`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Flatten;

impl Build for spec::Flatten {
    type Layer = Flatten;

    fn build(&self, _: Shape, _: VarBuilder) -> Result<Flatten> {
        Ok(Flatten)
    }
}

impl Module for Flatten {
    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        x.flatten_from(1)
    }
}

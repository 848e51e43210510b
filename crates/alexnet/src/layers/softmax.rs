use super::{Build, precision::widened};
use alexnet_spec::{Shape, layers as spec};
use candle_core::{D, Result, Tensor};
use candle_nn::{Module, VarBuilder};

/// Logits `[N, classes]` become probabilities. 16-bit types sum in f32.
#[derive(Clone, Copy, Debug, Default)]
pub struct Softmax;

impl Build for spec::Softmax {
    type Layer = Softmax;

    fn build(&self, _: Shape, _: VarBuilder) -> Result<Softmax> {
        Ok(Softmax)
    }
}

impl Module for Softmax {
    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        widened(x, |x| candle_nn::ops::softmax(x, D::Minus1))
    }
}

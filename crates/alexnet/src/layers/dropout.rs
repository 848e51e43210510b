use super::Build;
use alexnet_spec::{Shape, layers as spec};
use candle_core::{Result, Tensor};
use candle_nn::{ModuleT, VarBuilder};

/// Inverted dropout: the identity in evaluation; in training each value is zeroed with probability `p`, and what remains
/// is divided by `1 - p`.
#[derive(Clone, Copy, Debug)]
pub struct Dropout {
    p: f32,
}

impl Dropout {
    /// Dropout of values with probability `p`, from 0 to below 1.
    pub fn new(p: f32) -> Dropout {
        Dropout { p }
    }
}

impl Build for spec::Dropout {
    type Layer = Dropout;

    fn build(&self, _: Shape, _: VarBuilder) -> Result<Dropout> {
        Ok(Dropout::new(self.p as f32))
    }
}

impl ModuleT for Dropout {
    fn forward_t(&self, x: &Tensor, train: bool) -> Result<Tensor> {
        if train && self.p > 0.0 { candle_nn::ops::dropout(x, self.p) } else { Ok(x.clone()) }
    }
}

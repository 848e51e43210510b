mod composed;

use super::Build;
use alexnet_spec::{Shape, layers as spec};
use candle_core::{Result, Tensor, bail};
use candle_nn::{Module, VarBuilder};

pub use composed::composed;

/// Local response normalisation across channels.
#[derive(Clone, Debug)]
pub struct LocalResponseNorm {
    spec: spec::LocalResponseNorm,
}

impl LocalResponseNorm {
    /// The norm with the constants of `spec`.
    pub fn new(spec: &spec::LocalResponseNorm) -> LocalResponseNorm {
        LocalResponseNorm { spec: spec.clone() }
    }
}

impl Build for spec::LocalResponseNorm {
    type Layer = LocalResponseNorm;

    fn build(&self, _: Shape, _: VarBuilder) -> Result<LocalResponseNorm> {
        Ok(LocalResponseNorm::new(self))
    }
}

impl Module for LocalResponseNorm {
    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        composed(&self.spec, x)
    }
}

/// The channels of one group.
fn channels_per_group(norm: &spec::LocalResponseNorm, channels: usize) -> Result<usize> {
    match channels.checked_div(norm.groups) {
        Some(in_group) if in_group * norm.groups == channels && channels > 0 => Ok(in_group),
        _ => bail!("{} groups don't divide the {channels} channels of the input", norm.groups),
    }
}

mod composed;

use super::Build;
use alexnet_spec::{Shape, layers as spec};
use candle_core::{Result, Tensor};
use candle_nn::{Module, VarBuilder};

pub use composed::composed;

/// Response normalisation within a map.
#[derive(Clone, Debug)]
pub struct SpatialResponseNorm {
    spec: spec::SpatialResponseNorm,
}

impl SpatialResponseNorm {
    /// The norm with the constants of `spec`.
    pub fn new(spec: &spec::SpatialResponseNorm) -> SpatialResponseNorm {
        SpatialResponseNorm { spec: spec.clone() }
    }
}

impl Build for spec::SpatialResponseNorm {
    type Layer = SpatialResponseNorm;

    fn build(&self, _: Shape, _: VarBuilder) -> Result<SpatialResponseNorm> {
        Ok(SpatialResponseNorm::new(self))
    }
}

impl Module for SpatialResponseNorm {
    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        composed(&self.spec, x)
    }
}

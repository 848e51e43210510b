//! The norm within a map: a custom operation with kernels per device, and its composition.

mod composed;
mod cpu;
#[cfg(feature = "cuda")]
mod cuda;
mod op;

use super::{Build, kernels};
use alexnet_spec::{Shape, layers as spec};
use candle_core::{Result, Tensor};
use candle_nn::{Module, VarBuilder};

/// Response normalisation within a map; see [`spec::SpatialResponseNorm`] for the formula.
#[derive(Clone, Debug)]
pub struct SpatialResponseNorm {
    spec: spec::SpatialResponseNorm,
}

impl SpatialResponseNorm {
    /// The norm with the constants of `spec`.
    pub fn new(spec: &spec::SpatialResponseNorm) -> SpatialResponseNorm {
        SpatialResponseNorm { spec: spec.clone() }
    }

    /// The norm of `x` `[N, C, H, W]` from candle's own operations, on any device: what runs where there is no kernel of
    /// ours, and what the kernels are checked against.
    ///
    /// Errs where `x` has another rank.
    pub fn composed(&self, x: &Tensor) -> Result<Tensor> {
        composed::composed(&self.spec, x)
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
        if kernels::exist_on(x.device()) {
            return kernels::apply(&self.spec, x);
        }
        self.composed(x)
    }
}

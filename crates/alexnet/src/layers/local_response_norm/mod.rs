//! The norm across channels: a custom operation with kernels per device, and its composition.

mod composed;
mod cpu;
#[cfg(feature = "cuda")]
mod cuda;
mod op;

use super::{Build, kernels};
use alexnet_spec::{Shape, layers as spec};
use candle_core::{Result, Tensor, bail};
use candle_nn::{Module, VarBuilder};

/// Local response normalisation across channels; see [`spec::LocalResponseNorm`] for the formula.
///
/// ```
/// use alexnet::layers::LocalResponseNorm;
/// use alexnet::spec::layers as spec;
/// use candle_core::{Device, Tensor};
/// use candle_nn::Module;
///
/// let norm = LocalResponseNorm::new(&spec::LocalResponseNorm { size: 3, alpha: 3.0, beta: 1.0, k: 1.0, groups: 1 });
/// let x = Tensor::new(&[1f32, 2., 3.], &Device::Cpu)?.reshape((1, 3, 1, 1))?;
/// // 1 / (1 + 1 + 4), 2 / (1 + 1 + 4 + 9), 3 / (1 + 4 + 9)
/// let y = norm.forward(&x)?.flatten_all()?.to_vec1::<f32>()?;
/// assert!((y[0] - 1. / 6.).abs() < 1e-6 && (y[1] - 2. / 15.).abs() < 1e-6 && (y[2] - 3. / 14.).abs() < 1e-6);
/// # Ok::<(), candle_core::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct LocalResponseNorm {
    spec: spec::LocalResponseNorm,
}

impl LocalResponseNorm {
    /// The norm with the constants of `spec`.
    pub fn new(spec: &spec::LocalResponseNorm) -> LocalResponseNorm {
        LocalResponseNorm { spec: spec.clone() }
    }

    /// The norm of `x` `[N, C, H, W]` from candle's own operations, on any device: what runs where there is no kernel of
    /// ours, and what the kernels are checked against.
    ///
    /// Errs where `x` has another rank or its channels don't divide into the groups.
    pub fn composed(&self, x: &Tensor) -> Result<Tensor> {
        composed::composed(&self.spec, x)
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
        if kernels::exist_on(x.device()) {
            return kernels::apply(&self.spec, x);
        }
        self.composed(x)
    }
}

/// The channels of one group.
fn channels_per_group(norm: &spec::LocalResponseNorm, channels: usize) -> Result<usize> {
    match channels.checked_div(norm.groups) {
        Some(in_group) if in_group * norm.groups == channels && channels > 0 => Ok(in_group),
        _ => bail!("{} groups don't divide the {channels} channels of the input", norm.groups),
    }
}

//! The kinds of layers, one file each, of the same names as in [`alexnet_spec::layers`].
//!
//! Each is a candle [`Module`](candle_nn::Module) that can be used on its own. The ones that candle lacks are custom
//! operations with fused kernels, forward and backward; on a device without kernels of ours they are composed of candle's
//! own operations, with the same values.
//!
//! A new kind is one file here and one line in the registry below.

use alexnet_spec::{Op, Shape};
use candle_core::{Result, bail};
use candle_nn::{ModuleT, VarBuilder};
use std::any::Any;
use std::fmt::Debug;

mod kernels;
mod power;
mod precision;

/// What a layer can do: a forward pass, in training or evaluation. As [`Any`] it can be told which of the kinds it is.
pub trait Layer: ModuleT + Any + Debug + Send + Sync {}

impl<T: ModuleT + Any + Debug + Send + Sync> Layer for T {}

/// Makes a layer of a network from its description.
trait Build {
    type Layer: Layer;

    /// The layer that `self` describes, for an input of `input` (without the batch), with parameters from `vb`.
    fn build(&self, input: Shape, vb: VarBuilder) -> Result<Self::Layer>;
}

macro_rules! registry {
    ($($kind:ident => $module:ident),* $(,)?) => {
        $(
            mod $module;
            pub use $module::$kind;
        )*

        /// The layer that `op` describes, for an input of `input` (without the batch), with parameters from `vb`.
        ///
        /// Errs on a kind that this version doesn't know and on whatever `vb` errs.
        pub fn build(op: &Op, input: Shape, vb: VarBuilder) -> Result<Box<dyn Layer>> {
            match op {
                $(Op::$kind(op) => Ok(Box::new(op.build(input, vb)?)),)*
                other => bail!("this version has no layer of the kind {}", other.kind()),
            }
        }

        #[cfg(test)]
        const KINDS: &[&str] = &[$(stringify!($kind)),*];
    };
}

registry! {
    Conv2d => conv2d,
    Relu => relu,
    LocalResponseNorm => local_response_norm,
    SpatialResponseNorm => spatial_response_norm,
    BatchNorm2d => batch_norm2d,
    MaxPool2d => max_pool2d,
    AdaptiveAvgPool2d => adaptive_avg_pool2d,
    Flatten => flatten,
    Linear => linear,
    Dropout => dropout,
    Softmax => softmax,
}

/// The channels of a map.
fn channels(input: Shape) -> Result<usize> {
    match input {
        Shape::Map { channels, .. } => Ok(channels),
        Shape::Vector(features) => bail!("needs a map, but the input is a vector of {features}"),
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_kind_of_the_specification_is_registered() {
        assert_eq!(super::KINDS, alexnet_spec::Op::KINDS);
    }
}

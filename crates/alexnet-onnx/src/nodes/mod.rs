//! What each kind of layer becomes in a graph, one file each, under the names of `alexnet_spec::layers`.
//!
//! A new kind is one file here with its [`Emit`] implementation, and one line in the registry below.

mod adaptive_avg_pool2d;
mod batch_norm2d;
mod conv2d;
mod dropout;
mod flatten;
mod linear;
mod local_response_norm;
mod max_pool2d;
mod relu;
mod softmax;
mod spatial_response_norm;

use crate::graph::{Graph, Site};
use crate::{Error, Result};
use alexnet_spec::{Op, Shape, Step};

/// How a kind of layer is written as nodes.
pub(crate) trait Emit {
    /// Appends the nodes that compute the layer. The last one writes `site.output` and carries the layer's name.
    fn emit(&self, site: &Site, graph: &mut Graph);

    /// Whether the layer leaves what it gets as it is, so that a graph needs no node for it.
    fn is_identity(&self, _step: &Step) -> bool {
        false
    }
}

macro_rules! registry {
    ($($kind:ident),* $(,)?) => {
        /// The exporter of an operation.
        ///
        /// Errs for a kind of layer that this version of the exporter doesn't know.
        pub(crate) fn exporter(op: &Op) -> Result<&dyn Emit> {
            match op {
                $(Op::$kind(layer) => Ok(layer),)*
                other => Err(Error::Options(format!("a layer of kind {} has no ONNX form", other.kind()))),
            }
        }

        #[cfg(test)]
        const KINDS: &[&str] = &[$(stringify!($kind)),*];
    };
}

registry! {
    Conv2d,
    Relu,
    LocalResponseNorm,
    SpatialResponseNorm,
    BatchNorm2d,
    MaxPool2d,
    AdaptiveAvgPool2d,
    Flatten,
    Linear,
    Dropout,
    Softmax,
}

/// Channels, height and width of a shape; a vector is a map of one pixel.
fn map(shape: Shape) -> [usize; 3] {
    match shape {
        Shape::Map { channels, height, width } => [channels, height, width],
        Shape::Vector(features) => [features, 1, 1],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_layer_has_an_onnx_form() {
        assert_eq!(KINDS, Op::KINDS);
    }
}

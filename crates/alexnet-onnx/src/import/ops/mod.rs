//! What each operator of ONNX is to a network, one file each, under the names of `lower/ops`, which has read the node's
//! attributes before.
//!
//! A new operator is one file there, one here, and a line in each registry.

mod arithmetic;
mod average_pool;
mod batch_normalization;
mod branch;
mod cast;
mod clip;
mod concat;
mod constant;
mod conv;
mod dequantize_linear;
mod dropout;
mod flatten;
mod gemm;
mod global_average_pool;
mod identity;
mod log_softmax;
mod lrn;
mod mat_mul;
mod max_pool;
mod pad;
mod pow;
mod quantize_linear;
mod reduce_mean;
mod relu;
mod slice;
mod softmax;
mod split;
mod sqrt;
mod transpose;

use super::Reader;
use super::value::{Held, Layout, Map, decimal};
use crate::Result;
use crate::lower::Node;
use alexnet_spec::Shape;
use alexnet_spec::graph::NodeOp;

/// Transcribes one node.
pub(crate) type Handler = for<'m> fn(&mut Reader<'m>, &Node<'m>) -> Result<()>;

macro_rules! registry {
    ($($operator:literal => $module:ident),* $(,)?) => {
        /// Every operator that is transcribed.
        const ALL: &[(&str, Handler)] = &[$(($operator, $module::read)),*];
    };
}

registry! {
    "Add" => arithmetic,
    "AveragePool" => average_pool,
    "BatchNormalization" => batch_normalization,
    "Cast" => cast,
    "Clip" => clip,
    "Concat" => concat,
    "Constant" => constant,
    "ConstantOfShape" => constant,
    "Conv" => conv,
    "DequantizeLinear" => dequantize_linear,
    "Div" => arithmetic,
    "Dropout" => dropout,
    "Equal" => constant,
    "Flatten" => flatten,
    "Gather" => constant,
    "Gemm" => gemm,
    "GlobalAveragePool" => global_average_pool,
    "Identity" => identity,
    "If" => branch,
    "LRN" => lrn,
    "LogSoftmax" => log_softmax,
    "MatMul" => mat_mul,
    "MaxPool" => max_pool,
    "Mul" => arithmetic,
    "Pad" => pad,
    "Pow" => pow,
    "QuantizeLinear" => quantize_linear,
    "ReduceMean" => reduce_mean,
    "Relu" => relu,
    "Reshape" => flatten,
    "Shape" => constant,
    "Slice" => slice,
    "Softmax" => softmax,
    "Split" => split,
    "Sqrt" => sqrt,
    "Squeeze" => flatten,
    "Sub" => arithmetic,
    "Transpose" => transpose,
    "Unsqueeze" => flatten,
}

/// The file that knows an operator.
pub(crate) fn handler(operator: &str) -> Option<Handler> {
    ALL.iter().find(|(name, _)| *name == operator).map(|(_, handler)| *handler)
}

/// A layer without parameters, whatever the order of its input's axes.
fn layer(reader: &mut Reader, node: &Node, op: impl Into<NodeOp>) -> Result<()> {
    let map = reader.whole(node, node.input(0)?)?;
    reader.emit(node, node.output()?, &[map], op, Vec::new())
}

/// The shape of a value without its batch, where it is one that layers have: a map with its channels first, or a vector.
fn example(reader: &Reader, name: &str) -> Result<Option<Shape>> {
    Ok(match *reader.shape(name)? {
        [_, channels, height, width] => Some(Shape::Map { channels, height, width }),
        [_, features] => Some(Shape::Vector(features)),
        _ => None,
    })
}

/// Features `start..end` of a map or a vector as `output`.
fn slice_channels(reader: &mut Reader, node: &Node, map: &Map, output: &str, start: usize, end: usize) -> Result<()> {
    reader.emit(node, output, std::slice::from_ref(map), NodeOp::Slice { start, end }, Vec::new())
}

/// The axis on which the features of a value lie.
fn channel_axis(map: &Map, rank: usize) -> usize {
    if rank == 4 { map.layout.channels() } else { 1 }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Shapes come from the walk that lowers: what it doesn't know can't be transcribed.
    #[test]
    fn every_operator_is_lowered_too() {
        for (operator, _) in ALL {
            assert!(crate::lower::knows(operator), "{operator}");
        }
    }
}

//! What each operator of ONNX becomes, one file each.
//!
//! A file reads the node's inputs and attributes as the model's opset defines them and appends nodes that candle-onnx
//! 0.11.1 computes correctly (read from its `eval.rs`, tried against ONNX Runtime). A new operator is one file and one
//! line in the registry below.

mod arithmetic;
mod average_pool;
mod batch_normalization;
mod branch;
mod cast;
mod clip;
mod concat;
mod constant;
mod constant_of_shape;
mod conv;
mod dequantize_linear;
mod dropout;
mod equal;
mod flatten;
mod gather;
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
mod reshape;
mod shape;
mod slice;
mod softmax;
mod split;
mod sqrt;
mod squeeze;
mod transpose;
mod unsqueeze;

pub(crate) use slice::taken;

use super::context::{Lowering, Made, constant_elements};
use super::node::Node;
use crate::Result;

/// Lowers one node.
pub(crate) type Handler = fn(&mut Lowering, &Node) -> Result<()>;

macro_rules! registry {
    ($($operator:literal => $module:ident),* $(,)?) => {
        /// Every operator that is lowered.
        const ALL: &[(&str, Handler)] = &[$(($operator, $module::lower)),*];
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
    "ConstantOfShape" => constant_of_shape,
    "Conv" => conv,
    "DequantizeLinear" => dequantize_linear,
    "Div" => arithmetic,
    "Dropout" => dropout,
    "Equal" => equal,
    "Flatten" => flatten,
    "Gather" => gather,
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
    "Reshape" => reshape,
    "Shape" => shape,
    "Slice" => slice,
    "Softmax" => softmax,
    "Split" => split,
    "Sqrt" => sqrt,
    "Squeeze" => squeeze,
    "Sub" => arithmetic,
    "Transpose" => transpose,
    "Unsqueeze" => unsqueeze,
}

/// The file that knows an operator.
pub(crate) fn handler(operator: &str) -> Option<Handler> {
    ALL.iter().find(|(name, _)| *name == operator).map(|(_, handler)| *handler)
}

/// A function of one value, element by element, which candle-onnx knows under the same name.
fn elementwise(lowering: &mut Lowering, node: &Node) -> Result<()> {
    let operator = ALL.iter().find(|(name, _)| *name == node.operator()).map_or("", |(name, _)| *name);
    let input = node.inputs(1, 1)?[0];
    let known = lowering.operand(node, input)?;
    lowering.emit(node, Made::new(operator, [input]), node.output()?, known.shape, known.dtype)
}

/// An axis counted from the front; negative ones count from the end.
fn axis(node: &Node, axis: i64, rank: usize) -> Result<usize> {
    let counted = if axis < 0 { axis.checked_add(rank as i64) } else { Some(axis) };
    counted
        .and_then(|axis| usize::try_from(axis).ok())
        .filter(|axis| *axis < rank)
        .ok_or_else(|| node.malformed(format!("has axis {axis}, but its input has {rank} axes")))
}

/// The integers of `shape` at `positions` of an axis.
fn take(values: &[i64], shape: &[usize], axis: usize, positions: &[usize]) -> Vec<i64> {
    let size = shape.get(axis).copied().unwrap_or(1).max(1);
    let inner = shape.iter().skip(axis + 1).product::<usize>().max(1);
    let runs = values.chunks(size * inner);
    runs.flat_map(|run| positions.iter().filter_map(|at| run.get(at * inner..(at + 1) * inner)).flatten().copied())
        .collect()
}

/// The shape to which two shapes broadcast, as NumPy does it.
fn broadcast(node: &Node, a: &[usize], b: &[usize]) -> Result<Vec<usize>> {
    let rank = a.len().max(b.len());
    let side = |shape: &[usize], i: usize| {
        (i + shape.len()).checked_sub(rank).and_then(|i| shape.get(i)).copied().unwrap_or(1)
    };
    (0..rank)
        .map(|i| match (side(a, i), side(b, i)) {
            (x, y) if x == y || y == 1 => Ok(x),
            (1, y) => Ok(y),
            _ => Err(node.malformed(format!("shapes {a:?} and {b:?} don't broadcast"))),
        })
        .collect()
}

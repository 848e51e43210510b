//! What has to happen to a checkpoint's tensors before they are a parameter of ours: OIHW kernels that correlate, `[out, in]`
//! matrices with CHW columns, dropout that is the identity.
//!
//! Each kind is one small function over views. Those that put several pieces together ([`Transform::ConcatenateAlong`],
//! [`Transform::Join`], [`Transform::Reorder`]) and [`Transform::Scale`] copy elements; the others change strides.

use crate::{DType, Error, Result, Tensor};
use serde::{Deserialize, Serialize};
use std::fmt;

/// How the source tensors of a parameter become the parameter.
///
/// ```
/// use alexnet_spec::{Tensor, Transform};
///
/// let keras_dense = Tensor::from_f32(vec![2, 3], &[1., 2., 3., 4., 5., 6.])?; // [in, out]
/// let weight = Transform::Transpose.apply(&[keras_dense])?; // [out, in]
/// assert_eq!((weight.shape(), weight.to_f32()?), (&[3, 2][..], vec![1., 4., 2., 5., 3., 6.]));
/// # Ok::<(), alexnet_spec::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Transform {
    /// The tensor as it is.
    Identity,
    /// A matrix's rows become its columns: `[in, out]` to `[out, in]`.
    Transpose,
    /// Dimension `i` is taken from dimension `axes[i]`: HWIO kernels are `[3, 2, 0, 1]`, c01b ones `[3, 0, 1, 2]`.
    Permute(Vec<usize>),
    /// Kernels are turned by 180 degrees: the last two axes are reversed. What a true convolution (Theano) correlates with.
    Flip180,
    /// The second axis of OIHW kernels is reversed: RGB to BGR and back.
    SwapInputChannels,
    /// Several tensors, one after the other along an axis: the towers of 2012 along axis 0 of kernels and biases.
    ConcatenateAlong(usize),
    /// Several tensors, each made of some of the sources, one after the other along an axis: towers merged into one layer.
    Join {
        /// The axis.
        axis: usize,
        /// How many of the sources each takes, in their order, and what happens to them.
        parts: Vec<(usize, Transform)>,
    },
    /// Stretches of an axis, from the first number up to the second, in another order: the columns of a matrix whose inputs
    /// are listed otherwise.
    Reorder {
        /// The axis.
        axis: usize,
        /// The stretches, in their new order.
        stretches: Vec<[usize; 2]>,
    },
    /// The same elements in the same order in another shape: a kernel kept as a matrix.
    Reshape(Vec<usize>),
    /// All axes after the first become one: a kernel as large as the map that it sees becomes the matrix of a fully connected
    /// layer.
    Flatten,
    /// The columns of an `[out, in]` matrix go from the order row, column, channel (TensorFlow's flattening) to channel, row,
    /// column.
    FlattenedHwcToChw {
        /// Rows of the flattened map.
        height: usize,
        /// Columns of the flattened map.
        width: usize,
    },
    /// The inverse of [`Transform::FlattenedHwcToChw`].
    FlattenedChwToHwc {
        /// Rows of the flattened map.
        height: usize,
        /// Columns of the flattened map.
        width: usize,
    },
    /// Every element times a factor: what a framework does at test time after dropout, folded into the next layer's weights.
    Scale(f64),
    /// One after the other, first to last.
    Chain(Vec<Transform>),
}

impl Transform {
    /// The parameter from its sources.
    ///
    /// Errs where the number of sources isn't the transform's (one, but for a concatenation), or their shapes don't suit it.
    pub fn apply(&self, sources: &[Tensor]) -> Result<Tensor> {
        match self {
            Transform::ConcatenateAlong(axis) => concatenate(sources, *axis),
            Transform::Join { axis, parts } => join(sources, *axis, parts),
            Transform::Chain(steps) => match steps.split_first() {
                Some((first, rest)) => {
                    rest.iter().try_fold(first.apply(sources)?, |tensor, step| step.apply(&[tensor]))
                }
                None => Transform::Identity.apply(sources),
            },
            _ => match sources {
                [source] => self.apply_to_one(source),
                _ => Err(Error::Tensor(format!("{self} takes one tensor, but there are {}", sources.len()))),
            },
        }
    }

    fn apply_to_one(&self, source: &Tensor) -> Result<Tensor> {
        match self {
            Transform::Identity => Ok(source.clone()),
            Transform::Transpose => source.permute(&[1, 0]),
            Transform::Permute(axes) => source.permute(axes),
            Transform::Flip180 => flip_180(source),
            Transform::SwapInputChannels => source.flip(1),
            Transform::FlattenedHwcToChw { height, width } => {
                let channels = channels(source, *height, *width)?;
                reorder_columns(source, [*height, *width, channels], [0, 3, 1, 2])
            }
            Transform::FlattenedChwToHwc { height, width } => {
                let channels = channels(source, *height, *width)?;
                reorder_columns(source, [channels, *height, *width], [0, 2, 3, 1])
            }
            Transform::Scale(factor) => scale(source, *factor),
            Transform::Reorder { axis, stretches } => reorder(source, *axis, stretches),
            Transform::Reshape(shape) => source.reshape(shape),
            Transform::Flatten => flatten(source),
            Transform::ConcatenateAlong(_) | Transform::Join { .. } | Transform::Chain(_) => {
                self.apply(std::slice::from_ref(source))
            }
        }
    }

    /// The transform that undoes this one; `None` where its parts' sizes or its source's shape are forgotten (concatenation,
    /// join, reordering, reshaping), for a factor of zero, and for chains with any of these.
    pub fn inverse(&self) -> Option<Transform> {
        Some(match self {
            Transform::Identity | Transform::Transpose | Transform::Flip180 | Transform::SwapInputChannels => {
                self.clone()
            }
            Transform::Permute(axes) => {
                let inverse = (0..axes.len()).map(|axis| axes.iter().position(|from| *from == axis));
                Transform::Permute(inverse.collect::<Option<_>>()?)
            }
            Transform::ConcatenateAlong(_)
            | Transform::Join { .. }
            | Transform::Reorder { .. }
            | Transform::Reshape(_)
            | Transform::Flatten => return None,
            &Transform::FlattenedHwcToChw { height, width } => Transform::FlattenedChwToHwc { height, width },
            &Transform::FlattenedChwToHwc { height, width } => Transform::FlattenedHwcToChw { height, width },
            Transform::Scale(factor) => Transform::Scale(Some(factor.recip()).filter(|f| f.is_finite() && *f != 0.0)?),
            Transform::Chain(steps) => Transform::Chain(steps.iter().rev().map(Self::inverse).collect::<Option<_>>()?),
        })
    }
}

/// In words: `as it is`, `transposed`, `turned by 180 degrees, then times 0.5`.
impl fmt::Display for Transform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Transform::Identity => f.write_str("as it is"),
            Transform::Transpose => f.write_str("transposed"),
            Transform::Permute(axes) => write!(f, "axes in the order {axes:?}"),
            Transform::Flip180 => f.write_str("turned by 180 degrees"),
            Transform::SwapInputChannels => f.write_str("input channels reversed"),
            Transform::ConcatenateAlong(axis) => write!(f, "concatenated along axis {axis}"),
            Transform::Join { axis, parts } => {
                for (index, (_, transform)) in parts.iter().enumerate() {
                    write!(f, "{}{transform}", if index > 0 { " and " } else { "" })?;
                }
                write!(f, ", joined along axis {axis}")
            }
            Transform::Reorder { axis, stretches } => write!(f, "axis {axis} in the order {stretches:?}"),
            Transform::Reshape(shape) => write!(f, "as {shape:?}"),
            Transform::Flatten => f.write_str("as a matrix"),
            Transform::FlattenedHwcToChw { height, width } => write!(f, "columns from HWC to CHW of {height}x{width}"),
            Transform::FlattenedChwToHwc { height, width } => write!(f, "columns from CHW to HWC of {height}x{width}"),
            Transform::Scale(factor) => write!(f, "times {factor}"),
            Transform::Chain(steps) if steps.is_empty() => Transform::Identity.fmt(f),
            Transform::Chain(steps) => {
                for (index, step) in steps.iter().enumerate() {
                    write!(f, "{}{step}", if index > 0 { ", then " } else { "" })?;
                }
                Ok(())
            }
        }
    }
}

/// Each part from its own sources, then one after the other.
fn join(sources: &[Tensor], axis: usize, parts: &[(usize, Transform)]) -> Result<Tensor> {
    let (mut rest, mut made) = (sources, Vec::with_capacity(parts.len()));
    for (count, transform) in parts {
        let Some((own, others)) = rest.split_at_checked(*count) else {
            return Err(Error::Tensor(format!("a part takes {count} tensors, but {} are left", rest.len())));
        };
        made.push(transform.apply(own)?);
        rest = others;
    }
    match rest.len() {
        0 => concatenate(&made, axis),
        left => Err(Error::Tensor(format!("{left} of {} tensors belong to no part", sources.len()))),
    }
}

fn flatten(source: &Tensor) -> Result<Tensor> {
    match source.shape() {
        [rows, rest @ ..] => {
            let columns = rest.iter().try_fold(1usize, |product, size| product.checked_mul(*size));
            source.reshape(&[*rows, columns.ok_or_else(|| Error::Tensor("a matrix overflows".into()))?])
        }
        [] => Err(Error::Tensor("a single number is no kernel".into())),
    }
}

fn reorder(source: &Tensor, axis: usize, stretches: &[[usize; 2]]) -> Result<Tensor> {
    let length = |[start, end]: &[usize; 2]| end.checked_sub(*start);
    let total = stretches.iter().try_fold(0usize, |sum, stretch| sum.checked_add(length(stretch)?));
    if total.is_none() || total != source.shape().get(axis).copied() {
        return Err(Error::Tensor(format!(
            "{stretches:?} are not the stretches of axis {axis} of {:?}",
            source.shape()
        )));
    }
    let pieces = stretches.iter().map(|[start, end]| source.narrow(axis, *start, end.saturating_sub(*start)));
    concatenate(&pieces.collect::<Result<Vec<_>>>()?, axis)
}

fn flip_180(source: &Tensor) -> Result<Tensor> {
    match source.shape().len() {
        rank @ 2.. => source.flip(rank - 1)?.flip(rank - 2),
        rank => Err(Error::Tensor(format!("a kernel has at least 2 axes, but this tensor has {rank}"))),
    }
}

/// How many channels the columns of an `[out, in]` matrix hold for each of `height * width` pixels.
fn channels(source: &Tensor, height: usize, width: usize) -> Result<usize> {
    match (source.shape(), height.checked_mul(width)) {
        ([_, columns], Some(pixels)) if pixels > 0 && columns.is_multiple_of(pixels) => Ok(columns / pixels),
        (shape, _) => Err(Error::Tensor(format!("the columns of {shape:?} are no flattened map of {height}x{width}"))),
    }
}

fn reorder_columns(source: &Tensor, [a, b, c]: [usize; 3], axes: [usize; 4]) -> Result<Tensor> {
    let rows = source.shape().first().copied().unwrap_or(1);
    source.reshape(&[rows, a, b, c])?.permute(&axes)?.reshape(source.shape())
}

/// Along any axis without a second copy: with that axis first, the parts follow each other in memory.
fn concatenate(sources: &[Tensor], axis: usize) -> Result<Tensor> {
    let Some(first) = sources.first() else { return Err(Error::Tensor("nothing to concatenate".into())) };
    let rank = first.shape().len();
    if axis >= rank {
        return Err(Error::Tensor(format!("there is no axis {axis} in shape {:?}", first.shape())));
    }
    let mut axes: Vec<usize> = (0..rank).collect();
    axes.remove(axis);
    axes.insert(0, axis);

    let (mut bytes, mut length) = (Vec::new(), 0usize);
    for source in sources {
        let alike = |a: usize| a == axis || source.shape().get(a) == first.shape().get(a);
        if source.dtype() != first.dtype() || source.shape().len() != rank || !(0..rank).all(alike) {
            return Err(Error::Tensor(format!(
                "{} {:?} and {} {:?} can't be concatenated along axis {axis}",
                first.dtype(),
                first.shape(),
                source.dtype(),
                source.shape()
            )));
        }
        length = length
            .checked_add(source.shape().get(axis).copied().unwrap_or_default())
            .ok_or_else(|| Error::Tensor("a concatenation overflows".into()))?;
        source.permute(&axes)?.for_each_chunk::<Error>(source.dtype(), &mut |chunk| {
            bytes.extend_from_slice(chunk);
            Ok(())
        })?;
    }
    let mut shape = vec![length];
    shape.extend(axes.iter().skip(1).filter_map(|a| first.shape().get(*a)));
    let mut back: Vec<usize> = (1..rank).collect();
    back.insert(axis, 0);
    Tensor::new(first.dtype(), shape, bytes.into())?.permute(&back)
}

/// In double precision, rounded once: doubles stay doubles, every other floating point type becomes f32.
fn scale(source: &Tensor, factor: f64) -> Result<Tensor> {
    let mut bytes = Vec::with_capacity(source.elements() * source.dtype().size().max(4));
    let dtype = if source.dtype() == DType::F64 { DType::F64 } else { DType::F32 };
    source.for_each_chunk::<Error>(dtype, &mut |chunk| {
        match dtype {
            DType::F64 => {
                bytes.extend(chunk.as_chunks().0.iter().flat_map(|b| (f64::from_le_bytes(*b) * factor).to_le_bytes()))
            }
            _ => bytes.extend(
                chunk
                    .as_chunks()
                    .0
                    .iter()
                    .flat_map(|b| ((f64::from(f32::from_le_bytes(*b)) * factor) as f32).to_le_bytes()),
            ),
        }
        Ok(())
    })?;
    Tensor::new(dtype, source.shape().to_vec(), bytes.into())
}

#[cfg(test)]
mod tests;

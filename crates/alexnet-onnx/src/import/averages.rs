//! Adaptive pools as products with two matrices of averages, as this project writes those whose windows differ in size.

use super::value::Map;
use alexnet_spec::layers::AdaptiveAvgPool2d;
use alexnet_spec::{Result, Tensor};

/// Elements of a matrix that is looked at: sides far beyond those of any pool.
const MAX_ELEMENTS: usize = 1 << 18;

/// Features whose rows were averaged, and their columns not yet.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Rows {
    /// The features.
    pub(crate) of: Map,
    /// How many rows are left.
    pub(crate) count: usize,
}

/// Into how many positions a matrix averages an axis of `size` as an adaptive pool does, where that is what it does. Its
/// rows are the positions, or its columns where it stands on the right.
pub(crate) fn positions(matrix: &Tensor, size: usize, right: bool) -> Result<Option<usize>> {
    let matrix = if right && matrix.shape().len() == 2 { matrix.permute(&[1, 0])? } else { matrix.clone() };
    let [count, width] = *matrix.shape() else { return Ok(None) };
    if width != size || count == 0 || matrix.elements() > MAX_ELEMENTS {
        return Ok(None);
    }
    let values = matrix.to_f32()?;
    let averages = values.chunks(size).enumerate().all(|(i, row)| {
        let range = AdaptiveAvgPool2d::range(i, count, size);
        let weight = (1.0 / range.len() as f64) as f32;
        row.iter().enumerate().all(|(j, value)| *value == if range.contains(&j) { weight } else { 0.0 })
    });
    Ok(averages.then_some(count))
}

use serde::Serialize;

/// One place in both tensors.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Element {
    /// Index along each dimension.
    pub index: Vec<usize>,
    /// The reference's value, as text: JSON has no NaN.
    pub reference: String,
    /// The other's value.
    pub other: String,
}

impl Element {
    /// The element at `place` in row-major order of two tensors of one shape.
    pub(super) fn at(place: usize, shape: &[usize], reference: &[f32], other: &[f32]) -> Element {
        let text = |data: &[f32]| data.get(place).map_or_else(String::new, |value| format!("{value:e}"));
        Element { index: unravel(place, shape), reference: text(reference), other: text(other) }
    }
}

fn unravel(mut place: usize, shape: &[usize]) -> Vec<usize> {
    let mut index: Vec<usize> = shape
        .iter()
        .rev()
        .map(|&size| {
            let here = place % size.max(1);
            place /= size.max(1);
            here
        })
        .collect();
    index.reverse();
    index
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 17 = 1 * 12 + 1 * 4 + 1 in a 2 x 3 x 4 tensor.
    #[test]
    fn an_index_counts_rows_first() {
        assert_eq!(unravel(17, &[2, 3, 4]), [1, 1, 1]);
        assert_eq!(unravel(0, &[2, 3, 4]), [0, 0, 0]);
        assert_eq!(unravel(23, &[2, 3, 4]), [1, 2, 3]);
    }

    #[test]
    fn values_that_json_lacks_are_text() {
        let element = Element::at(1, &[1, 2], &[0.0, f32::NAN], &[0.0, -f32::INFINITY]);
        assert_eq!((element.reference.as_str(), element.other.as_str()), ("NaN", "-inf"));
    }
}

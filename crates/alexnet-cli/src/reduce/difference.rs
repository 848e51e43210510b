//! Where two values of one layer differ most.

use crate::array::Array;
use crate::compare::Tolerance;

/// The place at which two arrays of one shape are farthest apart.
#[derive(Clone, Debug, PartialEq)]
pub struct Difference {
    /// The index of the place; nothing where the shapes differ, so that no place can be compared.
    pub place: Vec<usize>,
    /// What the reference has there.
    pub expected: f32,
    /// What the other side has there.
    pub found: f32,
    /// How far they are apart; infinite where one of them isn't finite, or the shapes differ.
    pub size: f64,
    /// How far they may be apart.
    pub bound: f64,
}

impl Difference {
    /// The largest difference of two arrays.
    pub fn between(expected: &Array, found: &Array, tolerance: Tolerance) -> Difference {
        let scale = expected.data.iter().filter(|v| v.is_finite()).fold(0.0f64, |m, v| m.max(f64::from(v.abs())));
        let bound = tolerance.bound(scale);
        if expected.shape != found.shape {
            return Difference { place: Vec::new(), expected: 0.0, found: 0.0, size: f64::INFINITY, bound };
        }
        let mut worst = (0, 0.0, 0.0, 0.0f64);
        for (at, (a, b)) in expected.data.iter().zip(&found.data).enumerate() {
            let size = apart(*a, *b);
            if size > worst.3 || at == 0 {
                worst = (at, *a, *b, size);
            }
        }
        let (at, expected_there, found_there, size) = worst;
        Difference { place: index(at, &expected.shape), expected: expected_there, found: found_there, size, bound }
    }

    /// Whether the two are farther apart than they may be.
    pub fn shows(&self) -> bool {
        self.size > self.bound
    }

    /// Whether the shapes of the two differ.
    pub fn of_shapes(&self) -> bool {
        self.place.is_empty()
    }
}

/// How far two values are apart. Two that are the same, be it infinite or no number, aren't.
fn apart(a: f32, b: f32) -> f64 {
    match (a.is_finite(), b.is_finite()) {
        (true, true) => (f64::from(a) - f64::from(b)).abs(),
        _ if a.to_bits() == b.to_bits() || a.is_nan() && b.is_nan() => 0.0,
        _ => f64::INFINITY,
    }
}

/// The index of element `at` in row-major order.
fn index(at: usize, shape: &[usize]) -> Vec<usize> {
    let mut rest = at;
    let mut index: Vec<usize> = shape
        .iter()
        .rev()
        .map(|size| {
            let size = (*size).max(1);
            let place = rest % size;
            rest /= size;
            place
        })
        .collect();
    index.reverse();
    index
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compare::Precision;

    fn maps(data: [f32; 6]) -> Array {
        Array { shape: vec![1, 2, 1, 3], data: data.to_vec() }
    }

    const TOLERANCE: Tolerance = Tolerance { atol: 0.5, rtol: 0.1, precision: Precision::F32 };

    #[test]
    fn the_place_with_the_largest_difference_is_named() {
        let a = maps([1.0, 2.0, 3.0, 4.0, -20.0, 6.0]);
        let b = maps([1.0, 2.0, 3.0, 4.0, -17.0, 7.0]);
        let difference = Difference::between(&a, &b, TOLERANCE);
        assert_eq!((difference.place.as_slice(), difference.size, difference.bound), (&[0, 1, 0, 1][..], 3.0, 2.5));
        assert!(difference.shows());
        assert!(!Difference::between(&a, &a, TOLERANCE).shows());
    }

    #[test]
    fn what_is_no_number_on_one_side_differs_beyond_any_bound() {
        let a = maps([f32::NAN, 1.0, 1.0, 1.0, 1.0, 1.0]);
        let b = maps([f32::NAN, 1.0, 1.0, f32::NAN, 1.0, 1.0]);
        let difference = Difference::between(&a, &b, TOLERANCE);
        assert_eq!((difference.place.as_slice(), difference.size), (&[0, 1, 0, 0][..], f64::INFINITY));
        assert!(!Difference::between(&a, &a, TOLERANCE).shows());
    }

    #[test]
    fn other_shapes_differ() {
        let other = Array { shape: vec![1, 2, 3], data: vec![0.0; 6] };
        let difference = Difference::between(&maps([0.0; 6]), &other, TOLERANCE);
        assert!(difference.shows() && difference.of_shapes());
    }
}

use super::quantiles::quantiles;
use super::{Element, Histogram, Tolerance, Ulps, passing};
use crate::array::Array;
use serde::Serialize;

/// How far a tensor of one example lies from its reference.
///
/// A difference is |other - reference|, in f64. Where either value is NaN or infinite it is infinite, whatever the other value
/// is: such values agree with nothing, not even with each other. Means, the cosine and units in the last place are over the
/// pairs of finite values.
#[derive(Clone, Debug, Serialize)]
pub struct Metrics {
    /// Number of values compared.
    pub elements: usize,
    /// The largest finite reference value, in absolute terms.
    pub scale: f64,
    /// The largest difference.
    pub max_abs: f64,
    /// The largest difference as a share of `scale`; 0 where there is none, infinite against a reference of zeros.
    pub max_rel: f64,
    /// The mean difference.
    pub mean_abs: f64,
    /// The root of the mean squared difference.
    pub rms: f64,
    /// The difference that half of the values stay within.
    pub p50: f64,
    /// The difference that 99 % of the values stay within.
    pub p99: f64,
    /// The difference that 99.9 % of the values stay within.
    pub p99_9: f64,
    /// The cosine between the two tensors as vectors: 1 for two zero vectors, 0 where just one is zero.
    pub cosine: f64,
    /// NaNs in the reference and in the other.
    pub nan: [usize; 2],
    /// Infinities in the reference and in the other.
    pub infinite: [usize; 2],
    /// Share of values further apart than the tolerance allows.
    pub outside: f64,
    /// The first of them in row-major order, with both values.
    pub first_outside: Option<Element>,
    /// The place with the largest difference (the first NaN or infinity before all others), with both values.
    pub worst: Option<Element>,
    /// The differences in representable numbers.
    pub ulps: Ulps,
    /// The differences by order of magnitude.
    pub histogram: Histogram,
    /// The smallest `rtol` that would pass with the same `atol`; none where a NaN or infinity can't pass at all, and against a
    /// reference of zeros.
    pub passing_rtol: Option<f64>,
    /// The smallest `atol` that would pass with the same `rtol`; none where a NaN or infinity can't pass at all.
    pub passing_atol: Option<f64>,
    /// What it was held to.
    pub tolerance: Tolerance,
    /// Whether it agrees.
    pub agrees: bool,
}

impl Metrics {
    /// Compares `other` with `reference`, which must have the same shape.
    pub fn compare(reference: &Array, other: &Array, tolerance: Tolerance) -> Result<Metrics, String> {
        if reference.shape != other.shape {
            return Err(format!("shape {:?} against {:?}", reference.shape, other.shape));
        }
        Metrics::of_values(&reference.shape, &reference.data, &other.data, tolerance)
    }

    /// Compares as many values on both sides as `shape` has.
    pub(super) fn of_values(
        shape: &[usize],
        reference: &[f32],
        other: &[f32],
        tolerance: Tolerance,
    ) -> Result<Metrics, String> {
        if reference.is_empty() {
            return Err("an empty tensor: nothing to compare".into());
        }
        let count = |data: &[f32], what: fn(&f32) -> bool| data.iter().filter(|v| what(v)).count();
        let pairs = || reference.iter().copied().zip(other.iter().copied());
        let element = |place| Element::at(place, shape, reference, other);
        let scale = reference.iter().filter(|v| v.is_finite()).fold(0.0, |m: f64, v| m.max(f64::from(*v).abs()));
        let bound = tolerance.bound(scale);

        let mut differences: Vec<f64> = pairs().map(|(a, b)| difference(a, b)).collect();
        let (worst, max_abs) = largest(&differences);
        let outside = differences.iter().filter(|difference| **difference > bound).count();
        let first_outside = differences.iter().position(|difference| *difference > bound);
        let finite = || differences.iter().filter(|difference| difference.is_finite());
        let of_finite = finite().count().max(1) as f64;
        let sum: f64 = finite().sum();
        let squares: f64 = finite().map(|difference| difference * difference).sum();
        let histogram = Histogram::of(&differences);
        // Reorders the differences.
        let [p50, p99, p99_9] = quantiles(&mut differences, [500, 990, 999]);
        Ok(Metrics {
            elements: reference.len(),
            scale,
            max_abs,
            max_rel: if max_abs == 0.0 { 0.0 } else { max_abs / scale },
            mean_abs: sum / of_finite,
            rms: (squares / of_finite).sqrt(),
            p50,
            p99,
            p99_9,
            cosine: cosine(pairs()),
            nan: [reference, other].map(|data| count(data, |v| v.is_nan())),
            infinite: [reference, other].map(|data| count(data, |v| v.is_infinite())),
            outside: outside as f64 / reference.len() as f64,
            first_outside: first_outside.map(element),
            worst: (max_abs > 0.0).then(|| element(worst)),
            ulps: Ulps::of(pairs(), tolerance.precision.grid()),
            histogram,
            passing_rtol: passing::rtol(max_abs, scale, tolerance),
            passing_atol: passing::atol(max_abs, scale, tolerance),
            tolerance,
            agrees: outside == 0,
        })
    }

    /// The largest difference as a share of what the tolerance allows: above 1 it disagrees.
    pub fn severity(&self) -> f64 {
        match self.tolerance.bound(self.scale) {
            _ if self.max_abs == 0.0 => 0.0,
            bound if bound > 0.0 => self.max_abs / bound,
            _ => f64::INFINITY,
        }
    }
}

fn difference(a: f32, b: f32) -> f64 {
    if a.is_finite() && b.is_finite() { (f64::from(a) - f64::from(b)).abs() } else { f64::INFINITY }
}

/// The first of the largest, and where it is.
fn largest(differences: &[f64]) -> (usize, f64) {
    let first = |best: (usize, f64), (at, d): (usize, &f64)| if *d > best.1 { (at, *d) } else { best };
    differences.iter().enumerate().fold((0, 0.0), first)
}

fn cosine(pairs: impl Iterator<Item = (f32, f32)>) -> f64 {
    let (mut aa, mut bb, mut ab) = (0.0, 0.0, 0.0);
    for (a, b) in pairs.filter(|(a, b)| a.is_finite() && b.is_finite()).map(|(a, b)| (f64::from(a), f64::from(b))) {
        (aa, bb, ab) = (aa + a * a, bb + b * b, ab + a * b);
    }
    match (aa == 0.0, bb == 0.0) {
        (true, true) => 1.0,
        (false, false) => (ab / (aa * bb).sqrt()).clamp(-1.0, 1.0),
        _ => 0.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compare::Precision;

    fn held(atol: f64, rtol: f64) -> Tolerance {
        Tolerance { atol, rtol, precision: Precision::F32 }
    }

    fn row(values: &[f32]) -> Array {
        Array { shape: vec![1, values.len()], data: values.to_vec() }
    }

    #[test]
    fn differences_are_measured_against_the_largest_reference_value() {
        let (a, b) = (row(&[4.0, -8.0, 0.0, 2.0]), row(&[4.0, -8.5, 0.25, 2.0]));
        let m = Metrics::compare(&a, &b, held(0.1, 0.05)).unwrap();
        assert_eq!((m.scale, m.max_abs, m.max_rel, m.mean_abs), (8.0, 0.5, 0.0625, 0.1875));
        assert!(m.agrees, "0.5 is within 0.1 + 0.05 * 8 = 0.5");
        assert_eq!((m.passing_rtol, m.passing_atol), (Some(0.05), Some(0.09999999999999998)));
        assert_eq!(m.worst.unwrap().index, [0, 1]);
        assert_eq!(m.first_outside, None);
        // sqrt((0.25 + 0.0625) / 4)
        assert!((m.rms - 0.279_508_497).abs() < 1e-9);
        assert!(!Metrics::compare(&a, &b, held(0.1, 0.049)).unwrap().agrees);
    }

    #[test]
    fn the_first_value_outside_need_not_be_the_worst() {
        let m = Metrics::compare(&row(&[8.0, 1.0, 2.0]), &row(&[8.0, 2.0, 4.0]), held(0.5, 0.0)).unwrap();
        let (first, worst) = (m.first_outside.unwrap(), m.worst.unwrap());
        assert_eq!((first.index, first.reference.as_str(), first.other.as_str()), (vec![0, 1], "1e0", "2e0"));
        assert_eq!((worst.index, worst.reference.as_str(), worst.other.as_str()), (vec![0, 2], "2e0", "4e0"));
        assert_eq!(m.outside, 2.0 / 3.0);
    }

    #[test]
    fn nan_on_both_sides_is_no_agreement() {
        let a = row(&[1.0, f32::NAN]);
        let m = Metrics::compare(&a, &a, held(1e9, 1e9)).unwrap();
        assert!(!m.agrees);
        assert_eq!((m.nan, m.passing_rtol, m.passing_atol), ([1, 1], None, None));
        assert_eq!(m.worst.unwrap().index, [0, 1]);
    }

    #[test]
    fn infinity_on_both_sides_is_no_agreement() {
        let a = row(&[f32::INFINITY, 0.0]);
        assert!(!Metrics::compare(&a, &a, held(1e9, 1e9)).unwrap().agrees);
    }

    #[test]
    fn a_vector_and_zeros_have_no_direction_in_common() {
        let cosine = |a: &[f32], b: &[f32]| Metrics::compare(&row(a), &row(b), held(0.0, 0.0)).unwrap().cosine;
        assert_eq!(cosine(&[0.0, 0.0], &[0.0, 0.0]), 1.0);
        assert_eq!(cosine(&[1.0, 0.0], &[0.0, 0.0]), 0.0);
        assert_eq!(cosine(&[3.0, 4.0], &[4.0, 3.0]), 0.96);
        assert_eq!(cosine(&[1.0, 2.0], &[-2.0, -4.0]), -1.0);
    }

    #[test]
    fn nothing_and_other_shapes_are_not_compared() {
        assert!(Metrics::compare(&row(&[]), &row(&[]), held(0.0, 0.0)).is_err());
        assert!(Metrics::compare(&row(&[1.0]), &row(&[1.0, 2.0]), held(0.0, 0.0)).is_err());
    }
}

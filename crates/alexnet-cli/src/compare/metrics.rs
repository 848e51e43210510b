use super::Tolerance;
use crate::array::Array;
use serde::Serialize;

/// How far a tensor of one example lies from its reference.
#[derive(Clone, Debug, Serialize)]
pub struct Metrics {
    /// Number of values compared.
    pub elements: usize,
    /// The largest reference value, in absolute terms.
    pub scale: f64,
    /// The largest difference.
    pub max_abs: f64,
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
    /// The cosine between the two tensors as vectors; 1 for two zero vectors.
    pub cosine: f64,
    /// NaNs in the reference and in the other.
    pub nan: [usize; 2],
    /// Infinities in the reference and in the other.
    pub infinite: [usize; 2],
    /// Share of values further apart than the tolerance allows.
    pub outside: f64,
    /// The place with the largest difference (the first NaN or infinity before all others), with both values.
    pub worst: Option<Worst>,
    /// The smallest `rtol` that would pass with the same `atol`; none where a NaN or infinity can't pass at all.
    pub passing_rtol: Option<f64>,
    /// What it was held to.
    pub tolerance: Tolerance,
    /// Whether it agrees.
    pub agrees: bool,
}

/// One place in both tensors.
#[derive(Clone, Debug, Serialize)]
pub struct Worst {
    /// Index along each dimension.
    pub index: Vec<usize>,
    /// The reference's value, as text: JSON has no NaN.
    pub reference: String,
    /// The other's value.
    pub other: String,
}

/// Agreement of two classifications.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Agreement {
    /// Whether both put the same class first.
    pub top1: bool,
    /// How many of the reference's first five classes are among the other's.
    pub top5: usize,
    /// The reference's first logit less its second: how much it takes to change the answer.
    pub margin: f64,
}

impl Metrics {
    /// Compares `other` with `reference`, which must have the same shape.
    ///
    /// Values that are not finite never agree, not even with each other.
    pub fn compare(reference: &Array, other: &Array, tolerance: Tolerance) -> Result<Metrics, String> {
        if reference.shape != other.shape {
            return Err(format!("shape {:?} against {:?}", reference.shape, other.shape));
        }
        if reference.data.is_empty() {
            return Err("an empty tensor: nothing to compare".into());
        }
        let count = |data: &[f32], what: fn(&f32) -> bool| data.iter().filter(|v| what(v)).count();
        let nan = [count(&reference.data, |v| v.is_nan()), count(&other.data, |v| v.is_nan())];
        let infinite = [count(&reference.data, |v| v.is_infinite()), count(&other.data, |v| v.is_infinite())];
        let pairs = || reference.data.iter().zip(&other.data).map(|(a, b)| (f64::from(*a), f64::from(*b)));
        let scale = pairs().map(|(a, _)| a.abs()).filter(|a| a.is_finite()).fold(0.0, f64::max);
        let bound = tolerance.bound(scale);

        let mut differences = Vec::with_capacity(reference.data.len());
        let (mut sum, mut squares, mut outside) = (0.0, 0.0, 0usize);
        let (mut aa, mut bb, mut ab) = (0.0, 0.0, 0.0);
        let mut worst = (0usize, -1.0f64);
        for (index, (a, b)) in pairs().enumerate() {
            let difference = if a.is_finite() && b.is_finite() { (a - b).abs() } else { f64::INFINITY };
            if difference > worst.1 {
                worst = (index, difference);
            }
            outside += usize::from(difference > bound);
            if difference.is_finite() {
                sum += difference;
                squares += difference * difference;
                (aa, bb, ab) = (aa + a * a, bb + b * b, ab + a * b);
            }
            differences.push(difference);
        }
        differences.sort_unstable_by(f64::total_cmp);
        let quantile = |q: f64| {
            let rank = ((differences.len() as f64 * q).ceil() as usize).clamp(1, differences.len());
            differences.get(rank - 1).copied().unwrap_or(f64::INFINITY)
        };
        let n = reference.data.len() as f64;
        let max_abs = worst.1;
        let passing_rtol = match max_abs {
            d if !d.is_finite() => None,
            d if d <= tolerance.atol => Some(0.0),
            _ if scale == 0.0 => None,
            d => Some((d - tolerance.atol) / scale),
        };
        let text = |data: &[f32]| data.get(worst.0).map_or_else(String::new, |v| format!("{v:e}"));
        Ok(Metrics {
            elements: reference.data.len(),
            scale,
            max_abs,
            mean_abs: sum / n,
            rms: (squares / n).sqrt(),
            p50: quantile(0.5),
            p99: quantile(0.99),
            p99_9: quantile(0.999),
            cosine: if aa == 0.0 && bb == 0.0 { 1.0 } else { ab / (aa.sqrt() * bb.sqrt()) },
            nan,
            infinite,
            outside: outside as f64 / n,
            worst: (max_abs > 0.0).then(|| Worst {
                index: unravel(worst.0, &reference.shape),
                reference: text(&reference.data),
                other: text(&other.data),
            }),
            passing_rtol,
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

impl Agreement {
    /// Compares the order of two rows of logits; none where there are fewer than two classes.
    pub fn of(reference: &Array, other: &Array) -> Option<Agreement> {
        let (a, b) = (ranking(&reference.data), ranking(&other.data));
        let [first, second, ..] = a.as_slice() else { return None };
        let top5 = &b[..b.len().min(5)];
        Some(Agreement {
            top1: b.first() == Some(first),
            top5: a.iter().take(5).filter(|class| top5.contains(class)).count(),
            margin: f64::from(reference.data[*first]) - f64::from(reference.data[*second]),
        })
    }
}

/// Indices by falling value; equal values by rising index.
fn ranking(values: &[f32]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|a, b| values[*b].total_cmp(&values[*a]).then(a.cmp(b)));
    order
}

fn unravel(mut index: usize, shape: &[usize]) -> Vec<usize> {
    let mut position: Vec<usize> = shape
        .iter()
        .rev()
        .map(|&size| {
            let here = index % size.max(1);
            index /= size.max(1);
            here
        })
        .collect();
    position.reverse();
    position
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXACT: Tolerance = Tolerance { atol: 0.0, rtol: 0.0 };

    fn row(values: &[f32]) -> Array {
        Array { shape: vec![1, values.len()], data: values.to_vec() }
    }

    #[test]
    fn differences_are_measured_against_the_largest_reference_value() {
        let (a, b) = (row(&[4.0, -8.0, 0.0, 2.0]), row(&[4.0, -8.5, 0.25, 2.0]));
        let m = Metrics::compare(&a, &b, Tolerance { atol: 0.1, rtol: 0.05 }).unwrap();
        assert_eq!((m.scale, m.max_abs, m.mean_abs), (8.0, 0.5, 0.1875));
        assert!(m.agrees, "0.5 is within 0.1 + 0.05 * 8 = 0.5");
        assert_eq!(m.passing_rtol, Some(0.05));
        assert_eq!(m.worst.unwrap().index, [0, 1]);
        // sqrt((0.25 + 0.0625) / 4)
        assert!((m.rms - 0.279_508_497).abs() < 1e-9);
        assert!(!Metrics::compare(&a, &b, Tolerance { atol: 0.1, rtol: 0.049 }).unwrap().agrees);
    }

    #[test]
    fn nan_on_both_sides_is_no_agreement() {
        let a = row(&[1.0, f32::NAN]);
        let m = Metrics::compare(&a, &a, Tolerance { atol: 1e9, rtol: 1e9 }).unwrap();
        assert!(!m.agrees);
        assert_eq!((m.nan, m.passing_rtol), ([1, 1], None));
        assert_eq!(m.worst.unwrap().index, [0, 1]);
    }

    #[test]
    fn infinity_on_both_sides_is_no_agreement() {
        let a = row(&[f32::INFINITY, 0.0]);
        assert!(!Metrics::compare(&a, &a, Tolerance { atol: 1e9, rtol: 1e9 }).unwrap().agrees);
    }

    #[test]
    fn nothing_and_other_shapes_are_not_compared() {
        assert!(Metrics::compare(&row(&[]), &row(&[]), EXACT).is_err());
        assert!(Metrics::compare(&row(&[1.0]), &row(&[1.0, 2.0]), EXACT).is_err());
    }

    #[test]
    fn top_five_counts_the_references_classes_wherever_they_stand() {
        let a = row(&[9., 8., 7., 6., 5., 4., 3.]);
        let b = row(&[8., 9., 7., 6., 3., 4., 5.]);
        let agreement = Agreement::of(&a, &b).unwrap();
        assert_eq!((agreement.top1, agreement.top5, agreement.margin), (false, 4, 1.0));
    }
}

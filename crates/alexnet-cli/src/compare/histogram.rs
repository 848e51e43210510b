use serde::Serialize;

/// How often differences of each order of magnitude occur.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Histogram {
    /// Differences of zero, which have no logarithm.
    pub zero: usize,
    /// Places where a value is NaN or infinite.
    pub not_finite: usize,
    /// The first bin: it begins at 10^(`first` / `BINS_PER_DECADE`).
    pub first: i32,
    /// Differences in each bin: bin i has those from 10^((`first` + i) / 4) on, below 10^((`first` + i + 1) / 4).
    pub counts: Vec<usize>,
}

impl Histogram {
    /// How many bins a power of ten has.
    pub const BINS_PER_DECADE: i32 = 4;

    /// Counts `differences`, none of them negative.
    pub(super) fn of(differences: &[f64]) -> Histogram {
        let mut histogram = Histogram::default();
        let positive = || differences.iter().filter(|d| d.is_finite() && **d > 0.0).map(|d| bin(*d));
        let (Some(first), Some(last)) = (positive().min(), positive().max()) else {
            histogram.count_the_rest(differences);
            return histogram;
        };
        histogram.first = first;
        // A double's logarithm lies within 325 powers of ten.
        histogram.counts = vec![0; usize::try_from(last - first).unwrap_or(0) + 1];
        for bin in positive() {
            if let Some(count) = usize::try_from(bin - first).ok().and_then(|at| histogram.counts.get_mut(at)) {
                *count += 1;
            }
        }
        histogram.count_the_rest(differences);
        histogram
    }

    fn count_the_rest(&mut self, differences: &[f64]) {
        self.zero = differences.iter().filter(|d| **d == 0.0).count();
        self.not_finite = differences.iter().filter(|d| !d.is_finite()).count();
    }
}

fn bin(difference: f64) -> i32 {
    (difference.log10() * f64::from(Histogram::BINS_PER_DECADE)).floor() as i32
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 10^0.25 is 1.778, 10^0.5 3.162, 10^0.75 5.623.
    #[test]
    fn a_power_of_ten_has_four_bins() {
        let histogram = Histogram::of(&[1.0, 1.7, 1.8, 3.2, 6.0, 10.0, 0.0, f64::INFINITY]);
        assert_eq!(histogram, Histogram { zero: 1, not_finite: 1, first: 0, counts: vec![2, 1, 1, 1, 1] });
    }

    #[test]
    fn small_differences_have_negative_bins() {
        let histogram = Histogram::of(&[2e-6, 0.015]);
        // log10(2e-6) * 4 = -22.8; log10(0.015) * 4 = -7.3
        assert_eq!((histogram.first, histogram.counts.len()), (-23, 16));
        assert_eq!((histogram.counts[0], histogram.counts[15]), (1, 1));
    }

    #[test]
    fn equal_tensors_have_zeros_alone() {
        assert_eq!(Histogram::of(&[0.0, 0.0]), Histogram { zero: 2, ..Histogram::default() });
    }
}

use serde::Serialize;
use std::collections::BTreeMap;

/// Counts of values by their logarithms: quantiles of any number of values in bounded memory, and in any order.
#[derive(Clone, Debug, Default)]
pub struct Spread {
    zero: u64,
    not_finite: u64,
    bins: BTreeMap<i32, u64>,
    largest: f64,
}

/// Differences that shares of all images stay within; none where they aren't finite.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Quantiles {
    /// Half of them.
    pub p50: Option<f64>,
    /// 90 %.
    pub p90: Option<f64>,
    /// 99 %.
    pub p99: Option<f64>,
    /// 99.9 %.
    pub p99_9: Option<f64>,
    /// All of them.
    pub max: Option<f64>,
}

/// How finely values are told apart: by 2.4 %.
const BINS_PER_DECADE: f64 = 96.0;

impl Spread {
    /// Counts a value from zero on; none is one that isn't finite.
    pub fn add(&mut self, value: Option<f64>) {
        match value {
            None => self.not_finite += 1,
            Some(value) if value <= 0.0 => self.zero += 1,
            Some(value) => {
                *self.bins.entry((value.log10() * BINS_PER_DECADE).floor() as i32).or_default() += 1;
                self.largest = self.largest.max(value);
            }
        }
    }

    /// What at least a share of the values stays within, rounded up to the end of its bin.
    pub fn quantiles(&self) -> Quantiles {
        Quantiles {
            p50: self.quantile(500),
            p90: self.quantile(900),
            p99: self.quantile(990),
            p99_9: self.quantile(999),
            max: self.quantile(1000),
        }
    }

    fn quantile(&self, thousandths: u64) -> Option<f64> {
        let count = self.zero + self.not_finite + self.bins.values().sum::<u64>();
        let rank = (count * thousandths).div_ceil(1000).max(1);
        let mut passed = self.zero;
        if passed >= rank {
            return Some(0.0);
        }
        for (bin, count) in &self.bins {
            passed += count;
            if passed >= rank {
                return Some(10f64.powf((f64::from(*bin) + 1.0) / BINS_PER_DECADE).min(self.largest));
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_right_to_the_width_of_a_bin() {
        let mut spread = Spread::default();
        for value in (1..=1000).rev() {
            spread.add(Some(f64::from(value) * 1e-8));
        }
        let found = spread.quantiles();
        for (found, exact) in [(found.p50, 500e-8), (found.p90, 900e-8), (found.p99, 990e-8), (found.p99_9, 999e-8)] {
            let found = found.unwrap();
            assert!(found >= exact && found <= exact * 1.025, "{found} for {exact}");
        }
        assert_eq!(found.max, Some(1000e-8));
    }

    #[test]
    fn zeros_come_first_and_what_is_not_finite_last() {
        let mut spread = Spread::default();
        (0..99).for_each(|_| spread.add(Some(0.0)));
        spread.add(None);
        let expected = Quantiles { p50: Some(0.0), p90: Some(0.0), p99: Some(0.0), p99_9: None, max: None };
        assert_eq!(spread.quantiles(), expected);
    }
}

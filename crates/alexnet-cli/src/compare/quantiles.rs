/// The smallest of `values` that at least each share of them stays within; shares in thousandths, rising. NumPy calls this
/// method `inverted_cdf`. Reorders `values`; infinite where there are none.
pub(super) fn quantiles<const N: usize>(mut values: &mut [f64], thousandths: [usize; N]) -> [f64; N] {
    let count = values.len();
    let mut passed = 0usize;
    thousandths.map(|share| {
        // In whole numbers: 0.999 of 2,000 is 1,998, whatever the product of two floats is.
        let rank = count.saturating_mul(share).div_ceil(1000).clamp(1, count.max(1));
        let within = rank.saturating_sub(passed).saturating_sub(1);
        if within >= values.len() {
            return f64::INFINITY;
        }
        let (_, value, _) = values.select_nth_unstable_by(within, f64::total_cmp);
        let value = *value;
        // What lies below is done with; the value itself may be asked for again.
        values = std::mem::take(&mut values).get_mut(within..).unwrap_or_default();
        passed = passed.saturating_add(within);
        value
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quantile_is_one_of_the_values() {
        let mut values: Vec<f64> = (1..=2000).rev().map(f64::from).collect();
        assert_eq!(quantiles(&mut values, [500, 990, 999]), [1000.0, 1980.0, 1998.0]);
    }

    #[test]
    fn few_values_share_their_quantiles() {
        assert_eq!(quantiles(&mut [7.0], [500, 990, 999]), [7.0; 3]);
        assert_eq!(quantiles(&mut [2.0, 1.0, 3.0], [500, 990, 999]), [2.0, 3.0, 3.0]);
        assert_eq!(quantiles(&mut [], [500]), [f64::INFINITY]);
    }

    #[test]
    fn what_is_not_finite_comes_last() {
        assert_eq!(quantiles(&mut [f64::INFINITY, 1.0, 2.0, 3.0], [500, 999]), [2.0, f64::INFINITY]);
    }
}

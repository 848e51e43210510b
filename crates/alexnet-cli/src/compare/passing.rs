//! The smallest tolerances that would pass.

use super::Tolerance;

/// The smallest `rtol` with which `difference` is allowed where `scale` is the largest reference value; none where none is.
pub(super) fn rtol(difference: f64, scale: f64, tolerance: Tolerance) -> Option<f64> {
    if !difference.is_finite() {
        return None;
    }
    if difference <= tolerance.atol {
        return Some(0.0);
    }
    if scale == 0.0 {
        return None;
    }
    let estimate = (difference - tolerance.atol) / scale;
    Some(least(estimate, |rtol| Tolerance { rtol, ..tolerance }.bound(scale) >= difference)).filter(|r| r.is_finite())
}

/// The smallest `atol` with which `difference` is allowed; none for what isn't finite.
pub(super) fn atol(difference: f64, scale: f64, tolerance: Tolerance) -> Option<f64> {
    if !difference.is_finite() {
        return None;
    }
    let estimate = (difference - tolerance.rtol * scale).max(0.0);
    Some(least(estimate, |atol| Tolerance { atol, ..tolerance }.bound(scale) >= difference)).filter(|a| a.is_finite())
}

/// The first double from `estimate` on that passes: the estimate is a rounding or two away from it.
fn least(estimate: f64, passes: impl Fn(f64) -> bool) -> f64 {
    let mut value = estimate;
    while value.is_finite() && !passes(value) {
        value = value.next_up();
    }
    value
}

/// A tolerance in two digits, rounded up: what is printed has to pass where it is given back.
pub fn at_least(value: f64) -> String {
    let near = format!("{value:.1e}");
    match near.parse::<f64>() {
        Ok(shown) if shown < value => {
            let Some((digits, exponent)) = near.split_once('e') else { return near };
            let tenths = digits.replace('.', "").parse::<u32>().unwrap_or(0) + 1;
            // 9.9 and a tenth are 10.0: the number's own formatting moves the point.
            let up = format!("{}.{}e{exponent}", tenths / 10, tenths % 10);
            up.parse::<f64>().map_or(up, |value| format!("{value:.1e}"))
        }
        _ => near,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HELD: Tolerance = Tolerance { atol: 1e-7, rtol: 2e-5, precision: super::super::Precision::F32 };

    #[test]
    fn what_is_printed_is_never_smaller() {
        for (value, text) in [
            (0.0, "0.0e0"),
            (2e-5, "2.0e-5"),
            (2.01e-5, "2.1e-5"),
            (2.05e-5, "2.1e-5"),
            (9.91e-5, "1.0e-4"),
            (9.99e-5, "1.0e-4"),
            (0.641, "6.5e-1"),
            (1.0, "1.0e0"),
            (12.01, "1.3e1"),
        ] {
            assert_eq!(at_least(value), text, "{value:e}");
            assert!(at_least(value).parse::<f64>().unwrap() >= value, "{value:e}");
        }
    }

    /// Over many differences and scales: the tolerance passes, and the next smaller one doesn't.
    #[test]
    fn the_smallest_tolerance_passes_and_a_smaller_one_does_not() {
        let mut seed = 1u64;
        let mut random = || {
            seed = seed.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            10f64.powf((seed >> 40) as f64 / f64::from(1 << 24) * 12.0 - 8.0)
        };
        for _ in 0..2000 {
            let (difference, scale) = (random(), random());
            let found = rtol(difference, scale, HELD).unwrap();
            let passes = |rtol: f64| Tolerance { rtol, ..HELD }.bound(scale) >= difference;
            assert!(passes(found) && passes(at_least(found).parse().unwrap()), "{difference:e} of {scale:e}");
            assert!(found == 0.0 || !passes(found * (1.0 - 1e-6) - 1e-12), "{difference:e} of {scale:e}");
            let found = atol(difference, scale, HELD).unwrap();
            let passes = |atol: f64| Tolerance { atol, ..HELD }.bound(scale) >= difference;
            assert!(passes(found) && passes(at_least(found).parse().unwrap()), "{difference:e} of {scale:e}");
        }
    }

    #[test]
    fn nothing_relative_to_zero_passes() {
        assert_eq!(rtol(1.0, 0.0, HELD), None);
        assert_eq!(atol(1.0, 0.0, HELD), Some(1.0));
        assert_eq!((rtol(f64::INFINITY, 1.0, HELD), atol(f64::NAN, 1.0, HELD)), (None, None));
    }
}

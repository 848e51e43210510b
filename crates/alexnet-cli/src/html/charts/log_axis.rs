/// A logarithmic axis over whole powers of ten.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LogAxis {
    /// The exponent of its lower end.
    pub low: i32,
    /// The exponent of its upper end.
    pub high: i32,
}

impl LogAxis {
    /// The axis that holds all of `values` that are positive and finite, over at least three powers of ten.
    pub fn over(values: impl Iterator<Item = f64>) -> LogAxis {
        let exponents = values.filter(|v| v.is_finite() && *v > 0.0).map(f64::log10);
        let (low, high) = exponents.fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), e| (l.min(e), h.max(e)));
        if low > high {
            return LogAxis { low: -7, high: -4 };
        }
        let (low, high) = (low.floor() as i32, high.ceil() as i32);
        LogAxis { low: low.min(high - 3), high }
    }

    /// How far up a value is, from 0 to 1; values beyond the ends are at the ends.
    pub fn share(self, value: f64) -> f64 {
        let span = f64::from(self.high - self.low).max(1.0);
        ((value.log10() - f64::from(self.low)) / span).clamp(0.0, 1.0)
    }

    /// The exponents that get a line: all, or every second or third of many.
    pub fn ticks(self) -> impl Iterator<Item = i32> {
        let step = ((self.high - self.low) / 9 + 1).max(1);
        (self.low..=self.high).step_by(step as usize)
    }
}

/// A power as it is written: `10⁻⁵`, `2²³`.
pub fn power(base: u32, exponent: i32) -> String {
    const RAISED: [char; 10] = ['⁰', '¹', '²', '³', '⁴', '⁵', '⁶', '⁷', '⁸', '⁹'];
    let raise = |c: char| match c.to_digit(10) {
        Some(digit) => RAISED.get(digit as usize).copied().unwrap_or(c),
        None => '⁻',
    };
    format!("{base}{}", exponent.to_string().chars().map(raise).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_axis_ends_at_whole_powers_of_ten() {
        assert_eq!(LogAxis::over([3e-7, 0.02].into_iter()), LogAxis { low: -7, high: -1 });
        assert_eq!(LogAxis::over([0.5, 0.0, f64::NAN, f64::INFINITY].into_iter()), LogAxis { low: -3, high: 0 });
        assert_eq!(LogAxis::over(std::iter::empty()), LogAxis { low: -7, high: -4 });
    }

    #[test]
    fn a_power_of_ten_is_one_step_up() {
        let axis = LogAxis { low: -4, high: 0 };
        assert_eq!([1e-9, 1e-4, 1e-3, 1e-2, 1.0, 50.0].map(|v| axis.share(v)), [0.0, 0.0, 0.25, 0.5, 1.0, 1.0]);
    }

    #[test]
    fn many_powers_share_ticks() {
        assert_eq!(LogAxis { low: -20, high: 4 }.ticks().collect::<Vec<_>>(), [-20, -17, -14, -11, -8, -5, -2, 1, 4]);
        assert_eq!([power(10, -12), power(2, 23)], ["10⁻¹²", "2²³"]);
    }
}

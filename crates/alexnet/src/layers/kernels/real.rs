use std::ops::{Add, AddAssign, Div, Mul, Sub};

/// The types in which CPU kernels compute: f32 and f64.
pub(in crate::layers) trait Real:
    Copy
    + Send
    + Sync
    + PartialOrd
    + AddAssign
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
{
    const ZERO: Self;
    const NEG_INFINITY: Self;

    fn of(value: f64) -> Self;
    fn sqrt(self) -> Self;
    fn powf(self, exponent: Self) -> Self;
    fn is_nan(self) -> bool;
}

macro_rules! real {
    ($($t:ident),*) => {$(
        impl Real for $t {
            const ZERO: $t = 0.0;
            const NEG_INFINITY: $t = $t::NEG_INFINITY;

            fn of(value: f64) -> $t {
                value as $t
            }

            fn sqrt(self) -> $t {
                self.sqrt()
            }

            fn powf(self, exponent: $t) -> $t {
                self.powf(exponent)
            }

            fn is_nan(self) -> bool {
                self.is_nan()
            }
        }
    )*};
}

real!(f32, f64);

/// `base ^ -beta` for positive bases.
#[derive(Clone, Copy)]
pub(in crate::layers) enum Power<T> {
    /// AlexNet's beta. Two square roots take the place of a logarithm and an exponential: faster, and within 2 units in
    /// the last place.
    ThreeQuarters,
    /// Any other, negated.
    Exponent(T),
}

impl<T: Real> Power<T> {
    pub(in crate::layers) fn of_beta(beta: f64) -> Power<T> {
        if beta == 0.75 { Power::ThreeQuarters } else { Power::Exponent(T::of(-beta)) }
    }

    /// The power of each base. The choice is made once, so that the loop for [`Power::ThreeQuarters`] becomes vector code.
    pub(in crate::layers) fn apply(self, bases: &mut [T]) {
        match self {
            Power::ThreeQuarters => bases.iter_mut().for_each(|base| {
                let root = base.sqrt();
                *base = T::of(1.0) / (root * root.sqrt());
            }),
            Power::Exponent(exponent) => bases.iter_mut().for_each(|base| *base = base.powf(exponent)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Power;

    #[test]
    fn two_roots_are_as_exact_as_the_power() {
        let bases: Vec<f32> = (1..200_000u32).map(|i| i as f32 * 0.37 + 1e-3).collect();
        let mut powers = bases.clone();
        Power::of_beta(0.75).apply(&mut powers);
        for (base, power) in bases.into_iter().zip(powers) {
            let exact = (base as f64).powf(-0.75);
            assert!((power as f64 - exact).abs() <= 2.0 * f32::EPSILON as f64 * exact, "{base}");
        }
    }
}

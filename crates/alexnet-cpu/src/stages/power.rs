use crate::simd::{Lanes, Simd};

/// What divides the input of a norm: `base ^ beta`.
#[derive(Clone, Copy, Debug)]
pub(super) enum Power {
    /// AlexNet's beta of 0.75: two square roots in place of a logarithm and an exponential, within 2 units in the last
    /// place.
    ThreeQuarters,
    /// Any other.
    Exponent(f32),
}

impl Power {
    pub(super) fn of_beta(beta: f64) -> Power {
        if beta == 0.75 { Power::ThreeQuarters } else { Power::Exponent(beta as f32) }
    }

    /// `x / base ^ beta`.
    #[inline(always)]
    pub(super) fn divide<S: Simd>(self, simd: S, x: S::V, base: S::V) -> S::V {
        match self {
            Power::ThreeQuarters => {
                let root = simd.sqrt(base);
                simd.div(x, simd.mul(root, simd.sqrt(root)))
            }
            Power::Exponent(exponent) => {
                let mut lanes = Lanes::default();
                simd.store(base, &mut lanes);
                for base in &mut lanes.0 {
                    *base = base.powf(exponent);
                }
                simd.div(x, simd.load(&lanes))
            }
        }
    }
}

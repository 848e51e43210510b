use super::{LANES, Lanes, Simd};
use std::array::from_fn;

/// Plain Rust, for processors without instructions of ours, and what the others are tested against.
#[derive(Clone, Copy)]
pub(crate) struct Portable;

impl Simd for Portable {
    type V = [f32; LANES];

    // 12 sums of the 16 registers of SSE2, where an array takes four.
    const TILE: (usize, usize) = (1, 3);

    #[inline(always)]
    fn load(self, from: &Lanes) -> Self::V {
        from.0
    }

    #[inline(always)]
    fn read(self, from: &[f32; LANES]) -> Self::V {
        *from
    }

    #[inline(always)]
    fn store(self, v: Self::V, to: &mut Lanes) {
        to.0 = v;
    }

    #[inline(always)]
    fn splat(self, value: f32) -> Self::V {
        [value; LANES]
    }

    #[inline(always)]
    fn add(self, a: Self::V, b: Self::V) -> Self::V {
        from_fn(|i| a[i] + b[i])
    }

    #[inline(always)]
    fn mul(self, a: Self::V, b: Self::V) -> Self::V {
        from_fn(|i| a[i] * b[i])
    }

    #[inline(always)]
    fn div(self, a: Self::V, b: Self::V) -> Self::V {
        from_fn(|i| a[i] / b[i])
    }

    #[inline(always)]
    fn sqrt(self, a: Self::V) -> Self::V {
        a.map(f32::sqrt)
    }

    #[inline(always)]
    fn mul_add(self, a: Self::V, b: Self::V, c: Self::V) -> Self::V {
        // Not `f32::mul_add`: without the instruction it is a call.
        from_fn(|i| a[i] * b[i] + c[i])
    }

    #[inline(always)]
    fn max(self, a: Self::V, b: Self::V) -> Self::V {
        from_fn(|i| if a[i] > b[i] || a[i].is_nan() { a[i] } else { b[i] })
    }

    #[inline(always)]
    fn relu(self, a: Self::V) -> Self::V {
        a.map(|a| if a < 0.0 { 0.0 } else { a })
    }

    #[inline(always)]
    fn first(self, pairs: Self::V) -> Self::V {
        pairs.map(|pair| f32::from_bits(pair.to_bits() << 16))
    }

    #[inline(always)]
    fn second(self, pairs: Self::V) -> Self::V {
        pairs.map(|pair| f32::from_bits(pair.to_bits() & 0xffff_0000))
    }
}

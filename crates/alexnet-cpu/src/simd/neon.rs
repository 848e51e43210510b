use super::{LANES, Lanes, Simd};
use std::arch::aarch64::*;

/// NEON, a part of every aarch64.
#[derive(Clone, Copy)]
pub(crate) struct Neon;

/// Calls intrinsics of NEON.
macro_rules! neon {
    ($($call:tt)*) => {
        // SAFETY: every aarch64 that Rust's `std` targets has NEON; pointers come from references to sixteen floats, of
        // which four are taken at 0, 4, 8 or 12.
        unsafe { $($call)* }
    };
}

impl Simd for Neon {
    type V = [float32x4_t; 4];

    // 24 sums, 4 of weights, 1 of input: 29 of the 32 registers.
    const TILE: (usize, usize) = (1, 6);

    #[inline(always)]
    fn load(self, from: &Lanes) -> Self::V {
        let from = from.0.as_ptr();
        neon!([vld1q_f32(from), vld1q_f32(from.add(4)), vld1q_f32(from.add(8)), vld1q_f32(from.add(12))])
    }

    #[inline(always)]
    fn read(self, from: &[f32; LANES]) -> Self::V {
        let from = from.as_ptr();
        neon!([vld1q_f32(from), vld1q_f32(from.add(4)), vld1q_f32(from.add(8)), vld1q_f32(from.add(12))])
    }

    #[inline(always)]
    fn store(self, v: Self::V, to: &mut Lanes) {
        let to = to.0.as_mut_ptr();
        neon! {
            vst1q_f32(to, v[0]);
            vst1q_f32(to.add(4), v[1]);
            vst1q_f32(to.add(8), v[2]);
            vst1q_f32(to.add(12), v[3])
        }
    }

    #[inline(always)]
    fn splat(self, value: f32) -> Self::V {
        [neon!(vdupq_n_f32(value)); 4]
    }

    #[inline(always)]
    fn add(self, a: Self::V, b: Self::V) -> Self::V {
        neon!([vaddq_f32(a[0], b[0]), vaddq_f32(a[1], b[1]), vaddq_f32(a[2], b[2]), vaddq_f32(a[3], b[3])])
    }

    #[inline(always)]
    fn mul(self, a: Self::V, b: Self::V) -> Self::V {
        neon!([vmulq_f32(a[0], b[0]), vmulq_f32(a[1], b[1]), vmulq_f32(a[2], b[2]), vmulq_f32(a[3], b[3])])
    }

    #[inline(always)]
    fn div(self, a: Self::V, b: Self::V) -> Self::V {
        neon!([vdivq_f32(a[0], b[0]), vdivq_f32(a[1], b[1]), vdivq_f32(a[2], b[2]), vdivq_f32(a[3], b[3])])
    }

    #[inline(always)]
    fn sqrt(self, a: Self::V) -> Self::V {
        neon!([vsqrtq_f32(a[0]), vsqrtq_f32(a[1]), vsqrtq_f32(a[2]), vsqrtq_f32(a[3])])
    }

    #[inline(always)]
    fn mul_add(self, a: Self::V, b: Self::V, c: Self::V) -> Self::V {
        neon!([
            vfmaq_f32(c[0], a[0], b[0]),
            vfmaq_f32(c[1], a[1], b[1]),
            vfmaq_f32(c[2], a[2], b[2]),
            vfmaq_f32(c[3], a[3], b[3]),
        ])
    }

    #[inline(always)]
    fn max(self, a: Self::V, b: Self::V) -> Self::V {
        // NaN in either operand gives NaN.
        neon!([vmaxq_f32(a[0], b[0]), vmaxq_f32(a[1], b[1]), vmaxq_f32(a[2], b[2]), vmaxq_f32(a[3], b[3])])
    }

    #[inline(always)]
    fn relu(self, a: Self::V) -> Self::V {
        self.max(a, self.splat(0.0))
    }

    #[inline(always)]
    fn first(self, pairs: Self::V) -> Self::V {
        pairs.map(|pairs| neon!(vreinterpretq_f32_u32(vshlq_n_u32::<16>(vreinterpretq_u32_f32(pairs)))))
    }

    #[inline(always)]
    fn second(self, pairs: Self::V) -> Self::V {
        let mask = neon!(vdupq_n_u32(0xffff_0000));
        pairs.map(|pairs| neon!(vreinterpretq_f32_u32(vandq_u32(vreinterpretq_u32_f32(pairs), mask))))
    }
}

use super::{Kernel, LANES, Lanes, Simd};
use half::bf16;
use std::arch::x86_64::*;

/// AVX2 and FMA are there: only [`Avx2::detect`] makes a value.
#[derive(Clone, Copy)]
pub(crate) struct Avx2(());

impl Avx2 {
    #[inline(always)]
    pub(super) fn detect() -> Option<Avx2> {
        (is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma")).then_some(Avx2(()))
    }

    /// Compiles `kernel` with the instructions switched on.
    #[inline(always)]
    pub(super) fn run<K: Kernel>(self, kernel: K) -> K::Output {
        #[target_feature(enable = "avx2,fma")]
        fn inner<K: Kernel>(simd: Avx2, kernel: K) -> K::Output {
            kernel.run(simd)
        }
        // SAFETY: `self` exists, so the processor has AVX2 and FMA.
        unsafe { inner(self, kernel) }
    }
}

/// Calls intrinsics of AVX2 and FMA.
macro_rules! avx2 {
    ($($call:tt)*) => {
        // SAFETY: a value of `Avx2` exists, so the processor has AVX2 and FMA; pointers come from references to 64 bytes,
        // of which 32 are taken from the start or the middle.
        unsafe { $($call)* }
    };
}

impl Simd for Avx2 {
    type V = [__m256; 2];

    // 12 sums, 2 of weights, 1 of input: 15 of the 16 registers.
    const TILE: (usize, usize) = (1, 6);

    #[inline(always)]
    fn load(self, from: &Lanes) -> Self::V {
        let from = from.0.as_ptr();
        avx2!([_mm256_load_ps(from), _mm256_load_ps(from.add(8))])
    }

    #[inline(always)]
    fn read(self, from: &[f32; LANES]) -> Self::V {
        let from = from.as_ptr();
        avx2!([_mm256_loadu_ps(from), _mm256_loadu_ps(from.add(8))])
    }

    #[inline(always)]
    fn store(self, v: Self::V, to: &mut Lanes) {
        let to = to.0.as_mut_ptr();
        avx2! {
            _mm256_store_ps(to, v[0]);
            _mm256_store_ps(to.add(8), v[1])
        }
    }

    #[inline(always)]
    fn splat(self, value: f32) -> Self::V {
        [avx2!(_mm256_set1_ps(value)); 2]
    }

    #[inline(always)]
    fn add(self, a: Self::V, b: Self::V) -> Self::V {
        avx2!([_mm256_add_ps(a[0], b[0]), _mm256_add_ps(a[1], b[1])])
    }

    #[inline(always)]
    fn mul(self, a: Self::V, b: Self::V) -> Self::V {
        avx2!([_mm256_mul_ps(a[0], b[0]), _mm256_mul_ps(a[1], b[1])])
    }

    #[inline(always)]
    fn div(self, a: Self::V, b: Self::V) -> Self::V {
        avx2!([_mm256_div_ps(a[0], b[0]), _mm256_div_ps(a[1], b[1])])
    }

    #[inline(always)]
    fn sqrt(self, a: Self::V) -> Self::V {
        avx2!([_mm256_sqrt_ps(a[0]), _mm256_sqrt_ps(a[1])])
    }

    #[inline(always)]
    fn mul_add(self, a: Self::V, b: Self::V, c: Self::V) -> Self::V {
        avx2!([_mm256_fmadd_ps(a[0], b[0], c[0]), _mm256_fmadd_ps(a[1], b[1], c[1])])
    }

    #[inline(always)]
    fn max(self, a: Self::V, b: Self::V) -> Self::V {
        avx2!([larger(a[0], b[0]), larger(a[1], b[1])])
    }

    #[inline(always)]
    fn relu(self, a: Self::V) -> Self::V {
        avx2! {
            let zero = _mm256_setzero_ps();
            [_mm256_max_ps(zero, a[0]), _mm256_max_ps(zero, a[1])]
        }
    }

    #[inline(always)]
    fn prefetch(self, address: *const u8) {
        avx2!(_mm_prefetch::<_MM_HINT_T0>(address.cast()))
    }

    #[inline(always)]
    fn first(self, pairs: Self::V) -> Self::V {
        avx2!([shifted(_mm256_castps_si256(pairs[0])), shifted(_mm256_castps_si256(pairs[1]))])
    }

    #[inline(always)]
    fn second(self, pairs: Self::V) -> Self::V {
        let mask = avx2!(_mm256_castsi256_ps(_mm256_set1_epi32(0xffff_0000_u32 as i32)));
        avx2!([_mm256_and_ps(pairs[0], mask), _mm256_and_ps(pairs[1], mask)])
    }

    #[inline(always)]
    fn widen(self, from: &Lanes<bf16>) -> Self::V {
        let from = from.0.as_ptr().cast::<__m128i>();
        avx2! {
            let (low, high) = (_mm_load_si128(from), _mm_load_si128(from.add(1)));
            [shifted(_mm256_cvtepu16_epi32(low)), shifted(_mm256_cvtepu16_epi32(high))]
        }
    }

    #[inline(always)]
    fn integers(self, from: &[i8; LANES]) -> Self::V {
        avx2! {
            let bytes = _mm_loadu_si128(from.as_ptr().cast());
            [bytes, _mm_srli_si128::<8>(bytes)].map(|half| _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(half)))
        }
    }

    #[inline(always)]
    fn round(self, v: Self::V, to: &mut Lanes<bf16>) {
        avx2! {
            let [low, high] = v.map(|v| {
                let bits = _mm256_castps_si256(v);
                let upper = _mm256_srli_epi32::<16>(bits);
                let odd = _mm256_and_si256(upper, _mm256_set1_epi32(1));
                let up = _mm256_add_epi32(_mm256_add_epi32(bits, _mm256_set1_epi32(0x7fff)), odd);
                let nan = _mm256_castps_si256(_mm256_cmp_ps::<_CMP_UNORD_Q>(v, v));
                let quiet = _mm256_or_si256(upper, _mm256_set1_epi32(0x40));
                _mm256_blendv_epi8(_mm256_srli_epi32::<16>(up), quiet, nan)
            });
            // Packed within each half of the register: the quarters come as 0, 2, 1, 3.
            let packed = _mm256_permute4x64_epi64::<0b11_01_10_00>(_mm256_packus_epi32(low, high));
            _mm256_store_si256(to.0.as_mut_ptr().cast(), packed)
        }
    }
}

/// The larger values; NaN where either is.
#[inline]
#[target_feature(enable = "avx2,fma")]
fn larger(a: __m256, b: __m256) -> __m256 {
    // The instruction gives its second operand where either is NaN: right but for a NaN in the first.
    _mm256_blendv_ps(_mm256_max_ps(a, b), a, _mm256_cmp_ps::<_CMP_UNORD_Q>(a, a))
}

/// The `f32` that has the lower half of each lane as its upper one: that of a `bf16`.
#[inline]
#[target_feature(enable = "avx2,fma")]
fn shifted(lanes: __m256i) -> __m256 {
    _mm256_castsi256_ps(_mm256_slli_epi32::<16>(lanes))
}

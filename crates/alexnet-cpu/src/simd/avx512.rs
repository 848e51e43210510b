use super::{Kernel, LANES, Lanes, Simd};
use half::bf16;
use std::arch::x86_64::*;
use std::mem::transmute;

/// AVX-512F is there, and its BF16 where `BF16` says so: only `detect` makes a value.
#[derive(Clone, Copy)]
pub(crate) struct Avx512<const BF16: bool>(());

impl Avx512<false> {
    #[inline(always)]
    pub(super) fn detect() -> Option<Self> {
        is_x86_feature_detected!("avx512f").then_some(Avx512(()))
    }

    /// Compiles `kernel` with the instructions switched on.
    #[inline(always)]
    pub(super) fn run<K: Kernel>(self, kernel: K) -> K::Output {
        #[target_feature(enable = "avx512f")]
        fn inner<K: Kernel>(simd: Avx512<false>, kernel: K) -> K::Output {
            kernel.run(simd)
        }
        // SAFETY: `self` exists, so the processor has AVX-512F.
        unsafe { inner(self, kernel) }
    }
}

impl Avx512<true> {
    #[inline(always)]
    pub(super) fn detect() -> Option<Self> {
        (is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512bf16")).then_some(Avx512(()))
    }

    /// Compiles `kernel` with the instructions switched on.
    #[inline(always)]
    pub(super) fn run<K: Kernel>(self, kernel: K) -> K::Output {
        #[target_feature(enable = "avx512f,avx512bf16")]
        fn inner<K: Kernel>(simd: Avx512<true>, kernel: K) -> K::Output {
            kernel.run(simd)
        }
        // SAFETY: `self` exists, so the processor has AVX-512F and BF16.
        unsafe { inner(self, kernel) }
    }
}

/// Calls intrinsics of AVX-512F.
macro_rules! avx512f {
    ($($call:tt)*) => {
        // SAFETY: a value of `Avx512` exists, so the processor has AVX-512F; pointers come from references to 64 bytes,
        // or to the 32 or 16 bytes that are read.
        unsafe { $($call)* }
    };
}

impl<const BF16: bool> Simd for Avx512<BF16> {
    type V = __m512;

    // 28 sums, 2 vectors of weights, 1 of input: 31 of the 32 registers.
    const TILE: (usize, usize) = (2, 14);

    #[inline(always)]
    fn load(self, from: &Lanes) -> __m512 {
        avx512f!(_mm512_load_ps(from.0.as_ptr()))
    }

    #[inline(always)]
    fn read(self, from: &[f32; LANES]) -> __m512 {
        avx512f!(_mm512_loadu_ps(from.as_ptr()))
    }

    #[inline(always)]
    fn store(self, v: __m512, to: &mut Lanes) {
        avx512f!(_mm512_store_ps(to.0.as_mut_ptr(), v))
    }

    #[inline(always)]
    fn splat(self, value: f32) -> __m512 {
        avx512f!(_mm512_set1_ps(value))
    }

    #[inline(always)]
    fn add(self, a: __m512, b: __m512) -> __m512 {
        avx512f!(_mm512_add_ps(a, b))
    }

    #[inline(always)]
    fn mul(self, a: __m512, b: __m512) -> __m512 {
        avx512f!(_mm512_mul_ps(a, b))
    }

    #[inline(always)]
    fn div(self, a: __m512, b: __m512) -> __m512 {
        avx512f!(_mm512_div_ps(a, b))
    }

    #[inline(always)]
    fn sqrt(self, a: __m512) -> __m512 {
        avx512f!(_mm512_sqrt_ps(a))
    }

    #[inline(always)]
    fn mul_add(self, a: __m512, b: __m512, c: __m512) -> __m512 {
        avx512f!(_mm512_fmadd_ps(a, b, c))
    }

    #[inline(always)]
    fn max(self, a: __m512, b: __m512) -> __m512 {
        // The instruction gives its second operand where either is NaN: right but for a NaN in the first.
        avx512f!(_mm512_mask_mov_ps(_mm512_max_ps(a, b), _mm512_cmp_ps_mask::<_CMP_UNORD_Q>(a, a), a))
    }

    #[inline(always)]
    fn relu(self, a: __m512) -> __m512 {
        avx512f!(_mm512_max_ps(_mm512_setzero_ps(), a))
    }

    #[inline(always)]
    fn window(self, a: __m512, b: __m512, at: usize) -> __m512 {
        avx512f! {
            let first = _mm512_set_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
            let positions = _mm512_add_epi32(first, _mm512_set1_epi32(at as i32));
            // Bit 4 of a position selects `b`.
            _mm512_permutex2var_ps(a, positions, b)
        }
    }

    #[inline(always)]
    fn prefetch(self, address: *const u8) {
        avx512f!(_mm_prefetch::<_MM_HINT_T0>(address.cast()))
    }

    #[inline(always)]
    fn first(self, pairs: __m512) -> __m512 {
        avx512f!(_mm512_castsi512_ps(_mm512_slli_epi32::<16>(_mm512_castps_si512(pairs))))
    }

    #[inline(always)]
    fn second(self, pairs: __m512) -> __m512 {
        let mask = avx512f!(_mm512_set1_epi32(0xffff_0000_u32 as i32));
        avx512f!(_mm512_castsi512_ps(_mm512_and_si512(_mm512_castps_si512(pairs), mask)))
    }

    #[inline(always)]
    fn widen(self, from: &Lanes<bf16>) -> __m512 {
        avx512f! {
            let halves = _mm512_cvtepu16_epi32(_mm256_load_si256(from.0.as_ptr().cast()));
            _mm512_castsi512_ps(_mm512_slli_epi32::<16>(halves))
        }
    }

    #[inline(always)]
    fn round(self, v: __m512, to: &mut Lanes<bf16>) {
        // Not `vcvtneps2bf16`, which flushes small numbers to zero.
        avx512f! {
            let bits = _mm512_castps_si512(v);
            let upper = _mm512_srli_epi32::<16>(bits);
            let odd = _mm512_and_si512(upper, _mm512_set1_epi32(1));
            let up = _mm512_add_epi32(_mm512_add_epi32(bits, _mm512_set1_epi32(0x7fff)), odd);
            let rounded = _mm512_srli_epi32::<16>(up);
            let nan = _mm512_cmp_ps_mask::<_CMP_UNORD_Q>(v, v);
            let rounded = _mm512_mask_or_epi32(rounded, nan, upper, _mm512_set1_epi32(0x40));
            _mm256_store_si256(to.0.as_mut_ptr().cast(), _mm512_cvtepi32_epi16(rounded))
        }
    }

    #[inline(always)]
    fn integers(self, from: &[i8; LANES]) -> __m512 {
        avx512f!(_mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_loadu_si128(from.as_ptr().cast()))))
    }

    #[inline(always)]
    fn dot_pairs(self, a: __m512, b: __m512, sum: __m512) -> __m512 {
        if BF16 {
            // SAFETY: a value of `Avx512<true>` exists, so the processor has BF16.
            unsafe { _mm512_dpbf16_ps(sum, transmute::<__m512, __m512bh>(a), transmute::<__m512, __m512bh>(b)) }
        } else {
            let sum = self.mul_add(self.second(a), self.second(b), sum);
            self.mul_add(self.first(a), self.first(b), sum)
        }
    }
}

//! Multiply-adds at the rate of the processor: more independent chains than its units have stages, on vectors that never leave
//! the registers.

use std::hint::black_box;

/// Chains of vectors: enough for two units of five stages, and few enough that the compiler keeps them all in registers.
const CHAINS: usize = 12;

/// Multiply-adds that follow one another in each chain.
const STEPS: usize = 1 << 21;

/// The factor and the summand of every step: values stay near 1 and never become denormal.
const FACTOR: f32 = 0.999_999;
const SUMMAND: f32 = 1e-6;

/// A way to do it: how many floating-point operations a call of the function makes, two for each multiply-add.
struct Kernel {
    operations: usize,
    run: fn() -> f32,
}

/// Floating-point operations of one [`run`].
pub fn operations() -> f64 {
    kernel().operations as f64
}

/// Does that many, on one thread.
pub fn run() -> f32 {
    (kernel().run)()
}

/// The widest vectors of this processor.
fn kernel() -> Kernel {
    #[cfg(target_arch = "x86_64")]
    {
        if std::arch::is_x86_feature_detected!("avx512f") {
            // SAFETY: the processor has what the function is compiled for.
            return Kernel { operations: 2 * STEPS * 16 * CHAINS, run: || unsafe { avx512() } };
        }
        if std::arch::is_x86_feature_detected!("avx2") && std::arch::is_x86_feature_detected!("fma") {
            // SAFETY: as above.
            return Kernel { operations: 2 * STEPS * 8 * CHAINS, run: || unsafe { avx2() } };
        }
    }
    Kernel { operations: 2 * STEPS * 4 * CHAINS, run: chains::<4> }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
fn avx512() -> f32 {
    use std::arch::x86_64::{_mm512_fmadd_ps, _mm512_reduce_add_ps, _mm512_set1_ps};
    let (factor, summand) = (_mm512_set1_ps(black_box(FACTOR)), _mm512_set1_ps(black_box(SUMMAND)));
    let mut chains = [_mm512_set1_ps(1.); CHAINS];
    for _ in 0..STEPS {
        for chain in &mut chains {
            *chain = _mm512_fmadd_ps(*chain, factor, summand);
        }
    }
    chains.into_iter().map(|chain| _mm512_reduce_add_ps(chain)).sum()
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn avx2() -> f32 {
    chains::<8>()
}

/// The same, left to the compiler. It does well up to 8 lanes.
#[inline(always)]
fn chains<const LANES: usize>() -> f32 {
    let (factor, summand) = (black_box([FACTOR; LANES]), black_box([SUMMAND; LANES]));
    let mut chains = [[1f32; LANES]; CHAINS];
    for _ in 0..STEPS {
        for chain in &mut chains {
            for lane in 0..LANES {
                chain[lane] = multiply_add(chain[lane], factor[lane], summand[lane]);
            }
        }
    }
    chains.iter().flatten().sum()
}

/// One instruction where there is one: without it, `mul_add` is a call into the C library.
#[inline(always)]
fn multiply_add(a: f32, b: f32, c: f32) -> f32 {
    if cfg!(any(target_arch = "x86_64", target_arch = "aarch64")) { a.mul_add(b, c) } else { a * b + c }
}

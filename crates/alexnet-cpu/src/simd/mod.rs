//! Vectors of sixteen `f32` on every processor, from one source.
//!
//! A kernel is written once, over [`Simd`]. The vector is one register of AVX-512, two of AVX2, four of NEON, or an array
//! where there is none of them; [`Isa::run`] compiles the kernel for each and takes the processor's at run time.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod isa;
#[cfg(target_arch = "aarch64")]
mod neon;
mod portable;

pub use isa::Isa;

/// The values in a vector, and the channels in a block of the activations' layout.
pub(crate) const LANES: usize = 16;

/// Sixteen values, aligned to a cache line.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[repr(C, align(64))]
pub(crate) struct Lanes(pub(crate) [f32; LANES]);

/// The values of consecutive vectors.
pub(crate) fn values(lanes: &[Lanes]) -> &[f32] {
    // SAFETY: `Lanes` is `repr(C)` around sixteen floats and, at 64 bytes, has no padding: that many floats lie there, all
    // initialised, and the result borrows `lanes`.
    unsafe { std::slice::from_raw_parts(lanes.as_ptr().cast(), lanes.len() * LANES) }
}

/// [`values`], to write to.
pub(crate) fn values_mut(lanes: &mut [Lanes]) -> &mut [f32] {
    // SAFETY: as in `values`; any floats make valid `Lanes`, and the borrow is exclusive.
    unsafe { std::slice::from_raw_parts_mut(lanes.as_mut_ptr().cast(), lanes.len() * LANES) }
}

/// A processor's vector instructions. Whoever holds a value has seen that the processor has them.
pub(crate) trait Simd: Copy {
    /// Sixteen `f32`.
    type V: Copy;

    /// How many vectors of output channels, and how many pixels, the register tile of a convolution holds: as many sums as
    /// leave registers for the operands.
    const TILE: (usize, usize);

    fn load(self, from: &Lanes) -> Self::V;
    /// Sixteen values, aligned or not.
    fn read(self, from: &[f32; LANES]) -> Self::V;
    fn store(self, v: Self::V, to: &mut Lanes);
    fn splat(self, value: f32) -> Self::V;
    fn add(self, a: Self::V, b: Self::V) -> Self::V;
    fn mul(self, a: Self::V, b: Self::V) -> Self::V;
    fn div(self, a: Self::V, b: Self::V) -> Self::V;
    fn sqrt(self, a: Self::V) -> Self::V;
    /// `a * b + c`; rounded once where the processor can.
    fn mul_add(self, a: Self::V, b: Self::V, c: Self::V) -> Self::V;
    /// The larger values; NaN where either is NaN, as in PyTorch.
    fn max(self, a: Self::V, b: Self::V) -> Self::V;
    /// The larger of each value and zero; NaN stays.
    fn relu(self, a: Self::V) -> Self::V;

    /// Asks for the cache line at `address`, which need not be mapped.
    #[inline(always)]
    fn prefetch(self, _address: *const f32) {}

    /// The sum of the values.
    #[inline(always)]
    fn sum(self, a: Self::V) -> f32 {
        let mut lanes = Lanes::default();
        self.store(a, &mut lanes);
        // Halves first, as the registers of the wider instruction sets add them.
        let mut width = LANES / 2;
        while width > 0 {
            for i in 0..width {
                lanes.0[i] += lanes.0[i + width];
            }
            width /= 2;
        }
        lanes.0[0]
    }

    /// Sixteen of the 32 values of `a` and `b` from position `at`, at most 16.
    #[inline(always)]
    fn window(self, a: Self::V, b: Self::V, at: usize) -> Self::V {
        let mut both = [Lanes::default(); 2];
        self.store(a, &mut both[0]);
        self.store(b, &mut both[1]);
        let mut lanes = Lanes::default();
        lanes.0.copy_from_slice(&values(&both)[at..at + LANES]);
        self.load(&lanes)
    }
}

/// Work for [`Isa::run`]. `run` must be `#[inline(always)]`, and so everything in it that is worth vector instructions.
pub(crate) trait Kernel {
    type Output;

    fn run<S: Simd>(self, simd: S) -> Self::Output;
}

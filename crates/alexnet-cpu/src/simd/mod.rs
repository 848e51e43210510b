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
#[cfg(test)]
mod tests;

use half::bf16;
use std::fmt::Debug;

pub use isa::Isa;

/// The values in a vector, and the channels in a block of the activations' layout.
pub(crate) const LANES: usize = 16;

/// Sixteen values, aligned to what they take, which is at most a cache line.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[repr(C)]
pub struct Lanes<T: Lane = f32>(pub(crate) [T; LANES], [T::Align; 0]);

impl<T: Lane> Lanes<T> {
    pub(crate) fn new(values: [T; LANES]) -> Lanes<T> {
        Lanes(values, [])
    }
}

/// What lies in vectors.
pub trait Lane: Copy + Default + Debug + PartialEq + Send + Sync + 'static {
    /// Empty, and with the alignment of sixteen.
    type Align: Copy + Default + Debug + PartialEq + Send + Sync;
}

impl Lane for f32 {
    type Align = Align64;
}

impl Lane for bf16 {
    type Align = Align32;
}

impl Lane for [bf16; 2] {
    type Align = Align64;
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[repr(align(64))]
pub struct Align64;

#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[repr(align(32))]
pub struct Align32;

/// The values of consecutive vectors.
pub(crate) fn values<T: Lane>(lanes: &[Lanes<T>]) -> &[T] {
    const { assert!(size_of::<Lanes<T>>() == LANES * size_of::<T>()) }
    // SAFETY: `Lanes` is `repr(C)` around sixteen values and, as is seen above, has no padding: that many values lie there,
    // all initialised, and the result borrows `lanes`.
    unsafe { std::slice::from_raw_parts(lanes.as_ptr().cast(), lanes.len() * LANES) }
}

/// [`values`], to write to.
pub(crate) fn values_mut<T: Lane>(lanes: &mut [Lanes<T>]) -> &mut [T] {
    const { assert!(size_of::<Lanes<T>>() == LANES * size_of::<T>()) }
    // SAFETY: as in `values`; any values make valid `Lanes`, and the borrow is exclusive.
    unsafe { std::slice::from_raw_parts_mut(lanes.as_mut_ptr().cast(), lanes.len() * LANES) }
}

/// A processor's vector instructions. Whoever holds a value has seen that the processor has them.
pub trait Simd: Copy {
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

    /// The first of each pair of `bf16`, which is the lower half of 32 bits, as `f32`.
    fn first(self, pairs: Self::V) -> Self::V;
    /// The second of each pair.
    fn second(self, pairs: Self::V) -> Self::V;

    /// Sixteen `bf16`.
    #[inline(always)]
    fn widen(self, from: &Lanes<bf16>) -> Self::V {
        self.read(&from.0.map(bf16::to_f32))
    }

    /// [`bf16::from_f32`] for sixteen values.
    #[inline(always)]
    fn round(self, v: Self::V, to: &mut Lanes<bf16>) {
        let mut lanes = Lanes::default();
        self.store(v, &mut lanes);
        to.0 = lanes.0.map(bf16::from_f32);
    }

    /// Sixteen pairs of `bf16`, which no operation but [`Simd::dot_pairs`] knows what to do with.
    #[inline(always)]
    fn load_pairs(self, from: &Lanes<[bf16; 2]>) -> Self::V {
        self.read_pairs(&from.0)
    }

    /// [`Simd::load_pairs`], aligned or not.
    #[inline(always)]
    fn read_pairs(self, from: &[[bf16; 2]; LANES]) -> Self::V {
        // SAFETY: a pair has the size of an `f32`, all bits make one, and the read asks for no alignment.
        self.read(&unsafe { from.as_ptr().cast::<[f32; LANES]>().read_unaligned() })
    }

    /// The two products of the pairs in each lane of `a` and `b`, added to `sum`.
    #[inline(always)]
    fn dot_pairs(self, a: Self::V, b: Self::V, sum: Self::V) -> Self::V {
        let sum = self.mul_add(self.second(a), self.second(b), sum);
        self.mul_add(self.first(a), self.first(b), sum)
    }

    /// Sixteen integers.
    #[inline(always)]
    fn integers(self, from: &[i8; LANES]) -> Self::V {
        self.read(&from.map(f32::from))
    }

    /// Asks for the cache line at `address`, which need not be mapped.
    #[inline(always)]
    fn prefetch(self, _address: *const u8) {}

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
pub trait Kernel {
    type Output;

    fn run<S: Simd>(self, simd: S) -> Self::Output;
}

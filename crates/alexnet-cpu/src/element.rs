//! What activations and weights are stored as: `f32`, or `bf16` with sums in `f32`.

use crate::simd::{Isa, Kernel, LANES, Lane, Lanes, Simd};
use half::bf16;

/// What an [`Engine`](crate::Engine) reads, holds and writes: `f32` or [`bf16`].
///
/// Sums are `f32` for both. In `bf16` each fused stage's output is rounded once, to the nearest, and products are those of
/// the processor's instructions for `bf16` where it has them ([`Isa::Avx512Bf16`](crate::Isa)), which take numbers below
/// 2^-126 for zero. Elsewhere pairs are widened and multiplied in `f32`: the classifier's weights still take half of the
/// memory and its time, but convolutions take longer than in `f32`. What it costs in accuracy is said at
/// [`Precision::Int8`](crate::Precision).
pub trait Element: Stored {}

impl Element for f32 {}
impl Element for bf16 {}

/// How vectors of an element are loaded, multiplied and stored.
pub trait Stored: Lane {
    /// Neighbours that are multiplied and added at once, in 32 bits.
    type Group: Lane;

    /// How many those are.
    const GROUP: usize = size_of::<Self::Group>() / size_of::<Self>();

    fn from_f32(value: f32) -> Self;
    fn to_f32(self) -> f32;
    fn from_i8(value: i8) -> Self;

    /// Runs a kernel that multiplies groups.
    fn multiply<K: Kernel>(isa: Isa, kernel: K) -> K::Output;

    /// The whole groups of `values`.
    fn groups(values: &[Self]) -> &[Self::Group];
    /// What is in groups.
    fn flat(groups: &[Self::Group]) -> &[Self];
    /// [`Stored::flat`], to write to.
    fn flat_mut(groups: &mut [Self::Group]) -> &mut [Self];
    /// A group of `values`, at most as many as it has, and zeros.
    fn group(values: &[Self]) -> Self::Group;
    fn splat<S: Simd>(simd: S, group: Self::Group) -> S::V;
    /// Sixteen groups, aligned.
    fn load_groups<S: Simd>(simd: S, from: &Lanes<Self::Group>) -> S::V;
    /// Sixteen groups, aligned or not.
    fn read_groups<S: Simd>(simd: S, from: &[Self::Group; LANES]) -> S::V;
    /// The products of the groups in each lane of `a` and `b`, added to `sum`.
    fn dot<S: Simd>(simd: S, a: S::V, b: S::V, sum: S::V) -> S::V;

    /// Rounds vectors, at most as many as a group has, and brings those of each lane together in a group.
    fn store_groups<S: Simd>(simd: S, from: &[Lanes], to: &mut Lanes<Self::Group>);

    fn load<S: Simd>(simd: S, from: &Lanes<Self>) -> S::V;
    fn store<S: Simd>(simd: S, v: S::V, to: &mut Lanes<Self>);
}

impl Stored for f32 {
    type Group = f32;

    #[inline(always)]
    fn from_i8(value: i8) -> f32 {
        value.into()
    }

    fn multiply<K: Kernel>(isa: Isa, kernel: K) -> K::Output {
        isa.run(kernel)
    }

    #[inline(always)]
    fn from_f32(value: f32) -> f32 {
        value
    }

    #[inline(always)]
    fn to_f32(self) -> f32 {
        self
    }

    #[inline(always)]
    fn groups(values: &[f32]) -> &[f32] {
        values
    }

    #[inline(always)]
    fn flat(groups: &[f32]) -> &[f32] {
        groups
    }

    #[inline(always)]
    fn flat_mut(groups: &mut [f32]) -> &mut [f32] {
        groups
    }

    #[inline(always)]
    fn group(values: &[f32]) -> f32 {
        values.first().copied().unwrap_or_default()
    }

    #[inline(always)]
    fn splat<S: Simd>(simd: S, group: f32) -> S::V {
        simd.splat(group)
    }

    #[inline(always)]
    fn load_groups<S: Simd>(simd: S, from: &Lanes) -> S::V {
        simd.load(from)
    }

    #[inline(always)]
    fn read_groups<S: Simd>(simd: S, from: &[f32; LANES]) -> S::V {
        simd.read(from)
    }

    #[inline(always)]
    fn dot<S: Simd>(simd: S, a: S::V, b: S::V, sum: S::V) -> S::V {
        simd.mul_add(a, b, sum)
    }

    #[inline(always)]
    fn store_groups<S: Simd>(_: S, from: &[Lanes], to: &mut Lanes) {
        if let [from] = from {
            *to = *from;
        }
    }

    #[inline(always)]
    fn load<S: Simd>(simd: S, from: &Lanes) -> S::V {
        simd.load(from)
    }

    #[inline(always)]
    fn store<S: Simd>(simd: S, v: S::V, to: &mut Lanes) {
        simd.store(v, to)
    }
}

impl Stored for bf16 {
    type Group = [bf16; 2];

    #[inline(always)]
    fn from_i8(value: i8) -> bf16 {
        // Eight bits are enough for the magnitude, so the lower half is zero.
        bf16::from_bits((f32::from(value).to_bits() >> 16) as u16)
    }

    fn multiply<K: Kernel>(isa: Isa, kernel: K) -> K::Output {
        isa.run_pairs(kernel)
    }

    #[inline(always)]
    fn from_f32(value: f32) -> bf16 {
        bf16::from_f32(value)
    }

    #[inline(always)]
    fn to_f32(self) -> f32 {
        self.to_f32()
    }

    #[inline(always)]
    fn groups(values: &[bf16]) -> &[[bf16; 2]] {
        values.as_chunks().0
    }

    #[inline(always)]
    fn flat(groups: &[[bf16; 2]]) -> &[bf16] {
        groups.as_flattened()
    }

    #[inline(always)]
    fn flat_mut(groups: &mut [[bf16; 2]]) -> &mut [bf16] {
        groups.as_flattened_mut()
    }

    #[inline(always)]
    fn group(values: &[bf16]) -> [bf16; 2] {
        std::array::from_fn(|i| values.get(i).copied().unwrap_or_default())
    }

    #[inline(always)]
    fn splat<S: Simd>(simd: S, [first, second]: [bf16; 2]) -> S::V {
        simd.splat(bits([first, second]))
    }

    #[inline(always)]
    fn load_groups<S: Simd>(simd: S, from: &Lanes<[bf16; 2]>) -> S::V {
        simd.load_pairs(from)
    }

    #[inline(always)]
    fn read_groups<S: Simd>(simd: S, from: &[[bf16; 2]; LANES]) -> S::V {
        simd.read_pairs(from)
    }

    #[inline(always)]
    fn dot<S: Simd>(simd: S, a: S::V, b: S::V, sum: S::V) -> S::V {
        simd.dot_pairs(a, b, sum)
    }

    #[inline(always)]
    fn store_groups<S: Simd>(simd: S, from: &[Lanes], to: &mut Lanes<[bf16; 2]>) {
        let mut rounded = [Lanes::<bf16>::default(); 2];
        for (rounded, from) in rounded.iter_mut().zip(from) {
            simd.round(simd.load(from), rounded);
        }
        to.0 = std::array::from_fn(|lane| rounded.map(|rounded| rounded.0[lane]));
    }

    #[inline(always)]
    fn load<S: Simd>(simd: S, from: &Lanes<bf16>) -> S::V {
        simd.widen(from)
    }

    #[inline(always)]
    fn store<S: Simd>(simd: S, v: S::V, to: &mut Lanes<bf16>) {
        simd.round(v, to)
    }
}

/// A pair as the bits of an `f32`, the first in the lower half: how vectors hold it.
#[inline(always)]
pub(crate) fn bits([first, second]: [bf16; 2]) -> f32 {
    f32::from_bits(u32::from(first.to_bits()) | u32::from(second.to_bits()) << 16)
}

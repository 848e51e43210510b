use super::{Kernel, portable::Portable};

/// An instruction set that the kernels are compiled for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Isa {
    /// AVX-512F and its BF16, on x86-64: for `f32` what [`Isa::Avx512`] is.
    Avx512Bf16,
    /// AVX-512F, on x86-64.
    Avx512,
    /// AVX2 and FMA, on x86-64.
    Avx2,
    /// NEON, which every aarch64 has.
    Neon,
    /// What the compiler makes of plain Rust.
    Portable,
}

impl Isa {
    /// Every instruction set, fastest first.
    pub const ALL: [Isa; 5] = [Isa::Avx512Bf16, Isa::Avx512, Isa::Avx2, Isa::Neon, Isa::Portable];

    /// The fastest that this processor has.
    pub fn best() -> Isa {
        Isa::ALL.into_iter().find(|isa| isa.is_available()).unwrap_or(Isa::Portable)
    }

    /// Whether this processor has it.
    pub fn is_available(self) -> bool {
        match self {
            #[cfg(target_arch = "x86_64")]
            Isa::Avx512Bf16 => super::avx512::Avx512::<true>::detect().is_some(),
            #[cfg(target_arch = "x86_64")]
            Isa::Avx512 => super::avx512::Avx512::<false>::detect().is_some(),
            #[cfg(target_arch = "x86_64")]
            Isa::Avx2 => super::avx2::Avx2::detect().is_some(),
            #[cfg(target_arch = "aarch64")]
            Isa::Neon => true,
            Isa::Portable => true,
            _ => false,
        }
    }

    /// The register tile: see [`super::Simd::TILE`].
    pub(crate) fn tile(self) -> (usize, usize) {
        struct Tile;
        impl Kernel for Tile {
            type Output = (usize, usize);

            #[inline(always)]
            fn run<S: super::Simd>(self, _: S) -> (usize, usize) {
                S::TILE
            }
        }
        self.run(Tile)
    }

    /// [`Isa::run`] for a kernel that multiplies pairs of `bf16`.
    #[inline]
    pub(crate) fn run_pairs<K: Kernel>(self, kernel: K) -> K::Output {
        #[cfg(target_arch = "x86_64")]
        if self == Isa::Avx512Bf16
            && let Some(simd) = super::avx512::Avx512::<true>::detect()
        {
            return simd.run(kernel);
        }
        self.run(kernel)
    }

    /// Runs `kernel` as compiled for this instruction set, or for [`Isa::Portable`] where the processor lacks it.
    #[inline]
    pub(crate) fn run<K: Kernel>(self, kernel: K) -> K::Output {
        match self {
            #[cfg(target_arch = "x86_64")]
            Isa::Avx512 | Isa::Avx512Bf16 => match super::avx512::Avx512::<false>::detect() {
                Some(simd) => simd.run(kernel),
                None => kernel.run(Portable),
            },
            #[cfg(target_arch = "x86_64")]
            Isa::Avx2 => match super::avx2::Avx2::detect() {
                Some(simd) => simd.run(kernel),
                None => kernel.run(Portable),
            },
            #[cfg(target_arch = "aarch64")]
            Isa::Neon => kernel.run(super::neon::Neon),
            _ => kernel.run(Portable),
        }
    }
}

use super::{Isa, Kernel, LANES, Lanes, Simd};
use half::bf16;

fn isas() -> impl Iterator<Item = Isa> {
    Isa::ALL.into_iter().filter(|isa| isa.is_available())
}

/// Rounds to `bf16`, and back.
struct Round([f32; LANES]);

impl Kernel for Round {
    type Output = ([bf16; LANES], [f32; LANES]);

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) -> Self::Output {
        let (mut rounded, mut widened) = (Lanes::default(), Lanes::default());
        simd.round(simd.read(&self.0), &mut rounded);
        simd.store(simd.widen(&rounded), &mut widened);
        (rounded.0, widened.0)
    }
}

#[test]
fn rounding_to_bf16_is_that_of_half() {
    let lower = [0, 1, 0x7fff, 0x8000, 0x8001, 0xffff];
    for isa in isas() {
        for upper in (0..=u16::MAX).step_by(LANES) {
            for lower in lower {
                let values = std::array::from_fn(|i| f32::from_bits(u32::from(upper + i as u16) << 16 | lower));
                let (rounded, widened) = isa.run_pairs(Round(values));
                let expected = values.map(bf16::from_f32);
                // By their bits, since NaN has many.
                assert_eq!(rounded.map(bf16::to_bits), expected.map(bf16::to_bits), "{isa:?}: {values:?}");
                assert_eq!(widened.map(f32::to_bits), expected.map(|x| x.to_f32().to_bits()), "{isa:?}: {values:?}");
            }
        }
    }
}

struct Dot([[bf16; 2]; LANES], [[bf16; 2]; LANES], [f32; LANES]);

impl Kernel for Dot {
    type Output = [f32; LANES];

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) -> Self::Output {
        let mut sums = Lanes::default();
        let (a, b) = (simd.load_pairs(&Lanes::new(self.0)), simd.read_pairs(&self.1));
        simd.store(simd.dot_pairs(a, b, simd.read(&self.2)), &mut sums);
        sums.0
    }
}

#[test]
fn pairs_are_multiplied_in_f32() {
    // Products of integers up to 200 and their sums are exact.
    let number = |seed: usize| (seed * 7919 % 401) as f32 - 200.0;
    for isa in isas() {
        for seed in 0..100 {
            let pairs = |k: usize| -> [[f32; 2]; LANES] {
                std::array::from_fn(|i| [number(seed + 31 * i + k), number(3 * seed + 17 * i + 5 * k)])
            };
            let (a, b) = (pairs(1), pairs(2));
            let start: [f32; LANES] = std::array::from_fn(|i| number(seed * i) * 1000.0);
            let [x, y] = [a, b].map(|pairs| pairs.map(|pair| pair.map(bf16::from_f32)));
            let expected: [f32; LANES] = std::array::from_fn(|i| start[i] + a[i][0] * b[i][0] + a[i][1] * b[i][1]);
            assert_eq!(isa.run_pairs(Dot(x, y, start)), expected, "{isa:?}");
        }
    }
}

struct Integers([i8; LANES]);

impl Kernel for Integers {
    type Output = [f32; LANES];

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) -> Self::Output {
        let mut values = Lanes::default();
        simd.store(simd.integers(&self.0), &mut values);
        values.0
    }
}

#[test]
fn integers_keep_their_value_and_place() {
    for isa in isas() {
        for first in i8::MIN..=i8::MAX {
            let integers = std::array::from_fn(|i| first.wrapping_add(i as i8));
            assert_eq!(isa.run(Integers(integers)), integers.map(f32::from), "{isa:?}");
        }
    }
}

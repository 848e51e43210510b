use alexnet_spec::DType;
use half::{bf16, f16};
use serde::Serialize;

/// Differences counted in representable numbers: units in the last place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Ulps {
    /// The type whose numbers are counted: the coarser of the two sides'. The finer side is rounded to it first.
    pub dtype: DType,
    /// The largest distance; none where no pair is finite.
    pub max: Option<u64>,
    /// Pairs of finite values by distance: `counts[0]` are equal (two zeros of either sign are), `counts[i]` lie from 2^(i-1)
    /// to 2^i - 1 apart. It ends with the last count that isn't zero.
    pub counts: Vec<usize>,
}

impl Ulps {
    pub(super) fn of(pairs: impl Iterator<Item = (f32, f32)>, dtype: DType) -> Ulps {
        let rank: fn(f32) -> i64 = match dtype {
            DType::F16 => |value| signed(f16::from_f32(value).to_bits().into(), 15),
            DType::BF16 => |value| signed(bf16::from_f32(value).to_bits().into(), 15),
            _ => |value| signed(value.to_bits(), 31),
        };
        let dtype = if matches!(dtype, DType::F16 | DType::BF16) { dtype } else { DType::F32 };
        let mut ulps = Ulps { dtype, max: None, counts: Vec::new() };
        for (a, b) in pairs.filter(|(a, b)| a.is_finite() && b.is_finite()) {
            let distance = rank(a).abs_diff(rank(b));
            ulps.max = ulps.max.max(Some(distance));
            // 0 has no bits, 1 one, 2 and 3 two: at most 33 counts.
            let bucket = (u64::BITS - distance.leading_zeros()) as usize;
            if ulps.counts.len() <= bucket {
                ulps.counts.resize(bucket + 1, 0);
            }
            if let Some(count) = ulps.counts.get_mut(bucket) {
                *count += 1;
            }
        }
        ulps
    }
}

/// A float's place among all of its type, zero at 0: bits of a sign and a magnitude, the sign at `sign`.
fn signed(bits: u32, sign: u32) -> i64 {
    let magnitude = i64::from(bits & !(1 << sign));
    if bits >> sign == 0 { magnitude } else { -magnitude }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn distance(a: f32, b: f32, dtype: DType) -> Option<u64> {
        Ulps::of([(a, b)].into_iter(), dtype).max
    }

    /// The smallest positive number is 1e-45: from there down come 0 and -1e-45. From 1 to 2 there are 2^23 steps of f32,
    /// 2^10 of f16, 2^7 of bf16.
    #[test]
    fn distances_count_representable_numbers() {
        let least = f32::from_bits(1);
        for (a, b, dtype, expected) in [
            (1.0, 1.0, DType::F32, 0),
            (0.0, -0.0, DType::F32, 0),
            (1.0, 1.0 + f32::EPSILON, DType::F32, 1),
            (least, -least, DType::F32, 2),
            (0.0, -least, DType::F32, 1),
            (1.0, 2.0, DType::F32, 1 << 23),
            (-1.0, -2.0, DType::F32, 1 << 23),
            (1.0, 2.0, DType::F16, 1 << 10),
            (1.0, 2.0, DType::BF16, 1 << 7),
            (1.0, 1.0 + f32::EPSILON, DType::BF16, 0),
            // Nearer to 1 + 2^-10 than to 1.
            (1.0, 1.0006, DType::F16, 1),
            (f32::MAX, -f32::MAX, DType::F32, 2 * 0x7f7f_ffff),
        ] {
            assert_eq!(distance(a, b, dtype), Some(expected), "{a:e} and {b:e} in {dtype}");
        }
    }

    #[test]
    fn distances_are_counted_by_powers_of_two() {
        let far = |steps: u32| (1.0, f32::from_bits(1f32.to_bits() + steps));
        let ulps = Ulps::of([far(0), far(1), far(2), far(3), far(4), far(7), far(8)].into_iter(), DType::F32);
        assert_eq!((ulps.counts, ulps.max), (vec![1, 1, 2, 2, 1], Some(8)));
    }

    #[test]
    fn what_is_not_finite_has_no_distance() {
        let ulps = Ulps::of([(f32::NAN, 1.0), (f32::INFINITY, f32::INFINITY)].into_iter(), DType::F32);
        assert_eq!((ulps.max, ulps.counts.len()), (None, 0));
    }
}

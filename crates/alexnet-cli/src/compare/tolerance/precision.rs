use alexnet_spec::DType;
use serde::Serialize;
use std::fmt;

/// How coarsely a network is computed: what two right engines may differ by. From fine to coarse.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Precision {
    /// Single precision.
    F32,
    /// Weights or activations in IEEE half.
    F16,
    /// Weights or activations in the upper half of a single.
    #[serde(rename = "bf16")]
    BF16,
    /// Weights in 8 bits, dequantised before they are used; activations in floating point.
    Int8Weights,
    /// Weights and activations in 8 bits.
    Int8,
}

impl Precision {
    /// All of them, from fine to coarse.
    #[cfg(test)]
    pub const ALL: [Precision; 5] =
        [Precision::F32, Precision::F16, Precision::BF16, Precision::Int8Weights, Precision::Int8];

    /// Of activations that are `dtype` somewhere on the way.
    pub fn of_arithmetic(dtype: DType) -> Precision {
        match dtype {
            DType::I8 | DType::U8 => Precision::Int8,
            other => Precision::of_stored(other),
        }
    }

    /// Of weights that are stored as `dtype`.
    pub fn of_stored(dtype: DType) -> Precision {
        match dtype {
            DType::F16 => Precision::F16,
            DType::BF16 => Precision::BF16,
            DType::I8 | DType::U8 => Precision::Int8Weights,
            _ => Precision::F32,
        }
    }

    /// The floating point type whose units in the last place its results are counted in.
    pub fn grid(self) -> DType {
        match self {
            Precision::F16 => DType::F16,
            Precision::BF16 => DType::BF16,
            _ => DType::F32,
        }
    }
}

/// The name in reports: `f32`, `int8-weights`, ...
impl fmt::Display for Precision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Precision::F32 => "f32",
            Precision::F16 => "f16",
            Precision::BF16 => "bf16",
            Precision::Int8Weights => "int8-weights",
            Precision::Int8 => "int8",
        })
    }
}

/// The floating point type with the fewest digits among `dtypes`; f32 where there is none coarser.
pub fn coarsest(dtypes: impl Iterator<Item = DType>) -> DType {
    dtypes.fold(DType::F32, |coarsest, dtype| match (coarsest, dtype) {
        (DType::BF16, _) | (_, DType::BF16) => DType::BF16,
        (DType::F16, _) | (_, DType::F16) => DType::F16,
        (other, _) => other,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_the_same_in_text_and_in_json() {
        for precision in Precision::ALL {
            assert_eq!(serde_json::to_value(precision).unwrap(), precision.to_string());
        }
    }
}

use crate::{Error, Result};
use half::{bf16, f16};
use serde::{Deserialize, Serialize};
use std::fmt;

/// The element types that checkpoints hold. Complex and quantised storages are refused where they are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DType {
    /// IEEE double.
    F64,
    /// IEEE single.
    F32,
    /// IEEE half.
    F16,
    /// The upper half of a single.
    BF16,
    /// Signed 64-bit integer.
    I64,
    /// Signed 32-bit integer.
    I32,
    /// Signed 16-bit integer.
    I16,
    /// Signed byte.
    I8,
    /// Unsigned byte.
    U8,
    /// One byte, 0 or 1.
    Bool,
}

impl DType {
    /// Bytes per element.
    pub fn size(self) -> usize {
        match self {
            DType::F64 | DType::I64 => 8,
            DType::F32 | DType::I32 => 4,
            DType::F16 | DType::BF16 | DType::I16 => 2,
            DType::I8 | DType::U8 | DType::Bool => 1,
        }
    }

    /// Whether it is one of the four floating point types.
    pub fn is_float(self) -> bool {
        matches!(self, DType::F64 | DType::F32 | DType::F16 | DType::BF16)
    }
}

/// The lower-case name: `f32`, `bf16`, ...
impl fmt::Display for DType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            DType::F64 => "f64",
            DType::F32 => "f32",
            DType::F16 => "f16",
            DType::BF16 => "bf16",
            DType::I64 => "i64",
            DType::I32 => "i32",
            DType::I16 => "i16",
            DType::I8 => "i8",
            DType::U8 => "u8",
            DType::Bool => "bool",
        })
    }
}

/// Converts whole elements between floating point types.
pub(crate) fn convert(from: DType, bytes: &[u8], to: DType, out: &mut Vec<u8>) -> Result<()> {
    let mut put = |value: f64| {
        let finite = match to {
            DType::F64 => {
                out.extend_from_slice(&value.to_le_bytes());
                true
            }
            DType::F32 => {
                let value = value as f32;
                out.extend_from_slice(&value.to_le_bytes());
                value.is_finite()
            }
            DType::F16 => {
                let value = f16::from_f32(to_odd(value));
                out.extend_from_slice(&value.to_le_bytes());
                value.is_finite()
            }
            _ => {
                let value = bf16::from_f32(to_odd(value));
                out.extend_from_slice(&value.to_le_bytes());
                value.is_finite()
            }
        };
        if finite || !value.is_finite() {
            Ok(())
        } else {
            let advice =
                if to == DType::F32 { "it is no weight of a trained network" } else { "keep the weights in f32" };
            Err(Error::Tensor(format!("{value:e} is too large for {to}; {advice}")))
        }
    };
    match from {
        DType::F64 => bytes.as_chunks().0.iter().try_for_each(|b| put(f64::from_le_bytes(*b))),
        DType::F32 => bytes.as_chunks().0.iter().try_for_each(|b| put(f32::from_le_bytes(*b).into())),
        DType::F16 => bytes.as_chunks().0.iter().try_for_each(|b| put(f16::from_le_bytes(*b).to_f64())),
        _ => bytes.as_chunks().0.iter().try_for_each(|b| put(bf16::from_le_bytes(*b).to_f64())),
    }
}

/// Rounds to f32 such that a second rounding, to a narrower type, gives what one rounding would have given: what f32 can't
/// hold is cut off and the last bit set, so that no value seems to lie half-way that didn't. (`half` converts f64 through
/// the nearest f32 on processors that convert f32 themselves.)
fn to_odd(value: f64) -> f32 {
    let nearest = value as f32;
    if f64::from(nearest) == value || value.is_nan() {
        return nearest;
    }
    let beyond = f64::from(nearest).abs() > value.abs();
    let cut = if beyond { nearest.to_bits() - 1 } else { nearest.to_bits() };
    f32::from_bits(cut | 1)
}

//! What the versions of ONNX's operator set allow.

use crate::{Error, ExportOptions, Result};
use alexnet_spec::DType;

/// The first opset whose `Cast` takes bf16, and whose `DequantizeLinear` takes a step for each channel. All else that exported
/// graphs use means the same from opset 9 to 22, by the operator schemas of onnx 1.23.
const STORAGE: i64 = 13;

/// Errs where `opset` can't be written, or a graph can't be of `dtype`.
pub(crate) fn check(options: &ExportOptions) -> Result<()> {
    let ExportOptions { opset, dtype, quantize, .. } = options;
    let range = ExportOptions::OPSETS;
    if !range.contains(opset) {
        let (first, last) = range.into_inner();
        return Err(Error::Options(format!("opset {opset} can't be written: try one from {first} to {last}")));
    }
    if !matches!(dtype, DType::F32 | DType::F16 | DType::BF16) {
        return Err(Error::Options(format!("a graph can't be of {dtype}: try f32, f16 or bf16")));
    }
    let operator = |operator, dtype| Error::OperatorType { operator, dtype, opset: *opset, from: STORAGE };
    match quantize {
        Some(_) if *dtype != DType::F32 => {
            Err(Error::Options(format!("int8 stands between values of f32, not of {dtype}: try leaving out --dtype")))
        }
        Some(_) if *opset < STORAGE => Err(operator("DequantizeLinear", DType::I8)),
        None if *opset < STORAGE && *dtype == DType::BF16 => Err(operator("Cast", DType::BF16)),
        _ => Ok(()),
    }
}

/// The oldest IR version that goes with an opset, after the table of released versions in ONNX's `docs/Versioning.md`.
pub(crate) fn ir_version(opset: i64) -> i64 {
    match opset {
        ..=9 => 4,
        10 => 5,
        11 => 6,
        12..=14 => 7,
        15..=18 => 8,
        19..=20 => 9,
        _ => 10,
    }
}

//! What the versions of ONNX's operator set allow.

use crate::{Error, ExportOptions, Result};
use alexnet_spec::DType;

/// The operators that exported graphs use, each with the first opset in which it takes bfloat16.
///
/// From the operator schemas of onnx 1.23. All of them take float and float16 since before opset 9, and every attribute
/// that is written means the same from opset 9 to 22.
const BF16_FROM: &[(&str, i64)] = &[
    ("Add", 13),
    ("AveragePool", 22),
    ("BatchNormalization", 14),
    ("Cast", 13),
    ("Conv", 22),
    ("Div", 13),
    ("Flatten", 13),
    ("Gemm", 13),
    ("Identity", 13),
    ("LRN", 13),
    ("MatMul", 13),
    ("MaxPool", 22),
    ("Mul", 13),
    ("Pow", 13),
    ("Relu", 13),
    ("Reshape", 13),
    ("Softmax", 13),
];

/// Errs where `opset` can't be written, or a graph can't be of `dtype`.
pub(crate) fn check(options: &ExportOptions) -> Result<()> {
    let ExportOptions { opset, dtype, .. } = options;
    let range = ExportOptions::OPSETS;
    if !range.contains(opset) {
        let (first, last) = range.into_inner();
        return Err(Error::Options(format!("opset {opset} can't be written: try one from {first} to {last}")));
    }
    if !matches!(dtype, DType::F32 | DType::F16 | DType::BF16) {
        return Err(Error::Options(format!("a graph can't be of {dtype}: try f32, f16 or bf16")));
    }
    Ok(())
}

/// The first opset in which `operator` takes bfloat16.
pub(crate) fn bf16_from(operator: &str) -> Option<i64> {
    BF16_FROM.iter().find(|(name, _)| *name == operator).map(|(_, from)| *from)
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

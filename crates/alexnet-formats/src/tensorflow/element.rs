use alexnet_spec::DType;

/// An element type of TensorFlow's (`core/framework/types.proto`), where it is one of ours.
pub(super) fn dtype(number: u64) -> Result<DType, String> {
    Ok(match number {
        1 => DType::F32,
        2 => DType::F64,
        3 => DType::I32,
        4 => DType::U8,
        5 => DType::I16,
        6 => DType::I8,
        9 => DType::I64,
        10 => DType::Bool,
        14 => DType::BF16,
        19 => DType::F16,
        7 => return Err("holds text, not numbers".to_owned()),
        8 | 18 => return Err("is complex; save its real and imaginary parts".to_owned()),
        11..=13 | 15 | 16 => return Err("is quantised; save it after tf.dequantize".to_owned()),
        other => return Err(format!("has elements of TensorFlow's type {other}; save it after tf.cast to tf.float32")),
    })
}

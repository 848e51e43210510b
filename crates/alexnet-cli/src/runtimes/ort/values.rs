//! Arrays as ONNX Runtime's values, and back.

use crate::array::Array;
use alexnet_spec::DType;
use anyhow::{Result, bail};
use half::{bf16, f16};
use ort::value::{DynValue, Tensor, TensorElementType};

pub(super) fn input_value(input: &Array, dtype: DType) -> Result<DynValue> {
    let shape = input.shape.clone();
    let data = &input.data;
    Ok(match dtype {
        DType::F32 => Tensor::from_array((shape, data.clone()))?.into_dyn(),
        DType::F16 => {
            Tensor::from_array((shape, data.iter().map(|v| f16::from_f32(*v)).collect::<Vec<_>>()))?.into_dyn()
        }
        DType::BF16 => {
            Tensor::from_array((shape, data.iter().map(|v| bf16::from_f32(*v)).collect::<Vec<_>>()))?.into_dyn()
        }
        DType::F64 => Tensor::from_array((shape, data.iter().map(|v| f64::from(*v)).collect::<Vec<_>>()))?.into_dyn(),
        other => bail!("the graph's input holds {other}, not floating point"),
    })
}

pub(super) fn array(value: &DynValue) -> Result<Array> {
    let (shape, data) = match value.dtype().tensor_type() {
        Some(TensorElementType::Float32) => {
            let (shape, data) = value.try_extract_tensor::<f32>()?;
            (shape, data.to_vec())
        }
        Some(TensorElementType::Float16) => {
            let (shape, data) = value.try_extract_tensor::<f16>()?;
            (shape, data.iter().map(|v| v.to_f32()).collect())
        }
        Some(TensorElementType::Bfloat16) => {
            let (shape, data) = value.try_extract_tensor::<bf16>()?;
            (shape, data.iter().map(|v| v.to_f32()).collect())
        }
        Some(TensorElementType::Float64) => {
            let (shape, data) = value.try_extract_tensor::<f64>()?;
            (shape, data.iter().map(|v| *v as f32).collect())
        }
        other => bail!("an output holds {other:?}, not floating point"),
    };
    let shape = shape.iter().map(|d| usize::try_from(*d)).collect::<Result<_, _>>()?;
    Array::new(shape, data)
}

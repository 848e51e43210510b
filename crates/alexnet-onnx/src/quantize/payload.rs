//! What a parameter's bytes are in the file, and the small constants that come with integers.

use super::{Channels, Stored, quantise_bias};
use crate::graph::{scale_of, tensor_header, zero_of};
use crate::proto::TensorProto;
use crate::{Error, Result};
use alexnet_spec::{DType, Parameter, Tensor, Weights};
use std::collections::BTreeMap;
use std::io::Write;

/// What the bytes of a tensor are made of as they are written.
pub(crate) enum Payload {
    /// Floats, or whatever else the tensor holds, as this type.
    Plain(DType),
    /// Integers of 8 bits in these steps.
    Int8(Channels),
}

impl Payload {
    pub(crate) fn dtype(&self) -> DType {
        match self {
            Payload::Plain(dtype) => *dtype,
            Payload::Int8(_) => DType::I8,
        }
    }

    /// Writes the bytes, a piece at a time.
    pub(crate) fn write(&self, tensor: &Tensor, out: &mut dyn Write) -> Result<()> {
        match self {
            Payload::Plain(dtype) => tensor.for_each_chunk(*dtype, &mut |chunk| Ok(out.write_all(chunk)?)),
            Payload::Int8(channels) => channels.write(tensor, out),
        }
    }
}

/// The parameters of a graph, as it holds them.
pub(crate) struct Payloads {
    /// What quantised ones bring besides: steps, zero points, whole biases.
    pub(crate) constants: Vec<TensorProto>,
    /// Those that are streamed.
    pub(crate) streamed: Vec<(Parameter, Payload)>,
}

/// What the parameters are in the file.
pub(crate) fn payloads(parameters: Vec<(Parameter, Stored)>, weights: &Weights) -> Result<Payloads> {
    let (mut constants, mut streamed) = (Vec::new(), Vec::new());
    let mut channels: BTreeMap<String, Channels> = BTreeMap::new();
    let mut constant = |name: &str, dtype: DType, dims: &[usize], bytes: Vec<u8>| {
        constants.push(TensorProto { raw_data: Some(bytes.into()), ..tensor_header(name, dtype, dims) });
    };
    let bytes = |scales: &[f32]| scales.iter().flat_map(|scale| scale.to_le_bytes()).collect();
    let find =
        |name: &str| weights.get(name).ok_or_else(|| Error::Options(format!("the weights hold no parameter `{name}`")));
    for (parameter, stored) in parameters {
        let value = |role: &str| format!("{}/{role}", parameter.layer);
        match stored {
            Stored::Float(dtype) => streamed.push((parameter, Payload::Plain(dtype))),
            Stored::Weight { input } => {
                let bias = input.map(|input| Ok::<_, Error>((find(&format!("{}.bias", parameter.layer))?, input)));
                let own = Channels::of(find(&parameter.name)?, bias.transpose()?)?;
                let (value, out) = (value("weight"), own.scales.len());
                constant(&scale_of(&value), DType::F32, &[out], bytes(&own.scales));
                constant(&zero_of(&value), DType::I8, &[out], vec![0; out]);
                channels.insert(parameter.layer.clone(), own.clone());
                streamed.push((parameter, Payload::Int8(own)));
            }
            Stored::Bias { input } => {
                let of_weight = channels.get(&parameter.layer).ok_or_else(|| {
                    Error::Options(format!("parameter `{}` comes before the layer's weights", parameter.name))
                })?;
                let (scales, integers) = quantise_bias(find(&parameter.name)?, input, of_weight)?;
                constant(&scale_of(&value("bias")), DType::F32, &[scales.len()], bytes(&scales));
                constant(&parameter.name, DType::I32, &parameter.shape, integers);
            }
        }
    }
    Ok(Payloads { constants, streamed })
}

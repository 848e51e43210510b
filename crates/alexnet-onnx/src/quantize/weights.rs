//! Weights as symmetric int8 with a step for each output channel, and biases as int32.

use crate::{Error, Result};
use alexnet_spec::Tensor;
use std::io::Write;

/// The largest magnitude of a weight: -128 is left out, so that zero lies in the middle.
const LARGEST: f32 = 127.0;

/// The largest magnitude of a bias: half of int32's, so that the products that an integer kernel adds to it have room.
const LARGEST_BIAS: f64 = (1 << 30) as f64;

/// The steps of the output channels of a convolution's or a linear layer's weights.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Channels {
    pub(crate) scales: Vec<f32>,
    /// Weights of one channel.
    row: usize,
}

impl Channels {
    /// The steps of `weight`, `[out, ...]`: the largest magnitude of every channel over 127.
    ///
    /// With a bias that is to be stored in steps of `input` times these, no step is finer than lets the bias fit 32 bits: a
    /// channel of weights that are almost nothing would need more.
    pub(crate) fn of(weight: &Tensor, bias: Option<(&Tensor, f32)>) -> Result<Channels> {
        let channels = weight.shape().first().copied().unwrap_or(0);
        let row = weight.elements().checked_div(channels).unwrap_or(0).max(1);
        let mut largest = vec![0f32; channels];
        each(weight, &mut |at, value| {
            if let Some(largest) = largest.get_mut(at / row) {
                *largest = largest.max(value.abs());
            }
            Ok(())
        })?;
        let biases = bias.map(|(bias, input)| Ok::<_, Error>((bias.to_f32()?, input))).transpose()?;
        let scale = |(channel, largest): (usize, f32)| {
            let finest = biases.as_ref().map_or(0.0, |(values, input)| {
                let bias = values.get(channel).copied().unwrap_or(0.0);
                f64::from(bias.abs()) / f64::from(*input) / LARGEST_BIAS
            });
            let scale = (f64::from(largest) / f64::from(LARGEST)).max(finest) as f32;
            if scale.is_normal() { scale } else { 1.0 }
        };
        Ok(Channels { scales: largest.into_iter().enumerate().map(scale).collect(), row })
    }

    /// Writes the integers of `weight`, a piece at a time.
    pub(crate) fn write(&self, weight: &Tensor, out: &mut dyn Write) -> Result<()> {
        let mut piece = Vec::with_capacity(PIECE);
        each(weight, &mut |at, value| {
            let scale = self.scales.get(at / self.row).copied().unwrap_or(1.0);
            piece.push((value / scale).round_ties_even().clamp(-LARGEST, LARGEST) as i8 as u8);
            if piece.len() == PIECE {
                out.write_all(&piece)?;
                piece.clear();
            }
            Ok(())
        })?;
        Ok(out.write_all(&piece)?)
    }
}

/// Bytes that are handed on at once.
const PIECE: usize = 1 << 16;

/// Hands out a tensor's values with their positions.
fn each(tensor: &Tensor, take: &mut dyn FnMut(usize, f32) -> Result<()>) -> Result<()> {
    let mut at = 0;
    tensor.for_each_chunk::<Error>(alexnet_spec::DType::F32, &mut |chunk| {
        for word in chunk.as_chunks().0 {
            take(at, f32::from_le_bytes(*word))?;
            at += 1;
        }
        Ok(())
    })
}

/// The steps of a bias, and its integers, little-endian.
pub(crate) fn quantise_bias(bias: &Tensor, input: f32, channels: &Channels) -> Result<(Vec<f32>, Vec<u8>)> {
    let scales: Vec<f32> = channels.scales.iter().map(|scale| scale * input).collect();
    let round = |(value, scale): (f32, &f32)| {
        let steps = (f64::from(value) / f64::from(*scale)).round_ties_even();
        steps.clamp(i32::MIN.into(), i32::MAX.into()) as i32
    };
    let bytes = bias.to_f32()?.into_iter().zip(&scales).map(round).flat_map(i32::to_le_bytes).collect();
    Ok((scales, bytes))
}

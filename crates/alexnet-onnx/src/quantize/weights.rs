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

#[cfg(test)]
mod tests {
    use super::*;

    fn tensor(shape: &[usize], values: &[f32]) -> Tensor {
        Tensor::from_f32(shape.to_vec(), values).unwrap()
    }

    fn integers(channels: &Channels, weight: &Tensor) -> Vec<i8> {
        let mut out = Vec::new();
        channels.write(weight, &mut out).unwrap();
        out.into_iter().map(|byte| byte as i8).collect()
    }

    /// Steps of 2 and 0.5: 127 of them reach 254 and 63.5. Halves go to the even integer.
    #[test]
    fn every_channel_has_its_own_step() {
        let weight = tensor(&[2, 1, 1, 4], &[254.0, -5.0, 1.0, 3.0, 63.5, -63.5, 0.75, -0.25]);
        let channels = Channels::of(&weight, None).unwrap();
        assert_eq!(channels.scales, [2.0, 0.5]);
        assert_eq!(integers(&channels, &weight), [127, -2, 0, 2, 127, -127, 2, 0]);
    }

    #[test]
    fn a_channel_of_zeros_has_a_step_and_zeros() {
        let weight = tensor(&[2, 2], &[0.0, -0.0, 0.0, 127.0]);
        let channels = Channels::of(&weight, None).unwrap();
        assert_eq!((channels.scales.clone(), integers(&channels, &weight)), (vec![1.0, 1.0], vec![0, 0, 0, 127]));
    }

    /// Turned by half: the second axis of what lies in memory is the first one here.
    #[test]
    fn a_view_is_quantised_as_it_is_seen() {
        let weight = tensor(&[2, 2], &[127.0, 254.0, 1.0, 4.0]).permute(&[1, 0]).unwrap();
        let channels = Channels::of(&weight, None).unwrap();
        assert_eq!(channels.scales, [1.0, 2.0]);
        assert_eq!(integers(&channels, &weight), [127, 1, 127, 2]);
    }

    /// An input's step of 0.5 and a weight's of 2 make steps of 1; 2.5 and 3.5 go to the even integer.
    #[test]
    fn a_bias_is_in_steps_of_input_times_weight() {
        let (weight, bias) = (tensor(&[3, 1], &[254.0, 254.0, 254.0]), tensor(&[3], &[2.5, 3.5, -7.0]));
        let channels = Channels::of(&weight, Some((&bias, 0.5))).unwrap();
        let (scales, bytes) = quantise_bias(&bias, 0.5, &channels).unwrap();
        let integers: Vec<i32> = bytes.as_chunks().0.iter().map(|word| i32::from_le_bytes(*word)).collect();
        assert_eq!((scales, integers), (vec![1.0; 3], vec![2, 4, -7]));
    }

    /// Weights of 1e-30 would put a bias of 1 at 10^32 steps.
    #[test]
    fn steps_are_large_enough_for_the_bias_to_fit() {
        let (weight, bias) = (tensor(&[2, 1], &[1e-30, 0.0]), tensor(&[2], &[1.0, -3.0]));
        let channels = Channels::of(&weight, Some((&bias, 0.25))).unwrap();
        let (scales, bytes) = quantise_bias(&bias, 0.25, &channels).unwrap();
        for ((scale, word), bias) in scales.iter().zip(bytes.as_chunks().0).zip([1.0, -3.0]) {
            let integer = i32::from_le_bytes(*word);
            assert!(integer.unsigned_abs() <= 1 << 30);
            assert!((f64::from(integer) * f64::from(*scale) - bias).abs() < 1e-8);
        }
    }
}

//! What a graph does to the image's pixels before its first layer, as a network's preprocessing.

use crate::Result;
use crate::validate::unsupported;
use alexnet_spec::{ChannelOrder, Input, Interpolation, Mean, PixelRange, Preprocessing, Resize};

/// `pixel * scale + shift`, per channel. Empty is nothing done.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Affine {
    scale: Vec<f64>,
    shift: Vec<f64>,
}

impl Affine {
    fn of(channels: usize) -> Affine {
        Affine { scale: vec![1.0; channels], shift: vec![0.0; channels] }
    }

    /// What one of the four operators makes of it with one value a channel on its right.
    pub(crate) fn then(self, operator: &str, values: &[f64]) -> Affine {
        let mut affine = if self.scale.is_empty() { Affine::of(values.len()) } else { self };
        for ((scale, shift), value) in affine.scale.iter_mut().zip(&mut affine.shift).zip(values) {
            match operator {
                "Add" => *shift += value,
                "Sub" => *shift -= value,
                "Mul" => (*scale, *shift) = (*scale * value, *shift * value),
                _ => (*scale, *shift) = (*scale / value, *shift / value),
            }
        }
        affine
    }
}

/// The contract with which a network that is fed normalised pixels computes what the graph computes of raw ones, and a
/// sentence about what the graph doesn't say.
pub(super) fn preprocessing(affine: &Affine, input: &Input) -> Result<(Preprocessing, String)> {
    let mean: Vec<f64> = affine.shift.iter().zip(&affine.scale).map(|(shift, scale)| plain(-shift / scale)).collect();
    let std: Vec<f64> = affine.scale.iter().map(|scale| plain(scale.recip())).collect();
    if mean.iter().chain(&std).any(|value| !value.is_finite()) || std.iter().any(|std| *std <= 0.0) {
        let message = format!(
            "it normalises its pixels with mean {mean:?} and scale {std:?}, which aren't finite and above zero"
        );
        return Err(unsupported("graph", message));
    }
    // Nobody subtracts less than one from pixels of up to 255, nor divides pixels of up to 1 by more than that.
    let unit = mean.iter().chain(&std).all(|value| *value <= 1.0);
    // ImageNet is reddest: a mean that falls from the first channel to the last is that of RGB.
    let bgr = matches!((mean.first(), mean.last()), (Some(first), Some(last)) if first < last);
    let mut contract = match (unit, bgr) {
        (true, _) => Preprocessing::torchvision(),
        (false, true) => Preprocessing::caffe(),
        (false, false) => Preprocessing::krizhevsky(),
    };
    contract.channel_order = if bgr { ChannelOrder::Bgr } else { ChannelOrder::Rgb };
    contract.range = if unit { PixelRange::Unit } else { PixelRange::Byte };
    let note = format!(
        "the graph normalises its pixels itself: mean {mean:?} and std {std:?} are the network's preprocessing now, and \
         the network takes pixels that are normalised; that they range {} in {} was told from these numbers",
        if unit { "from 0 to 1" } else { "from 0 to 255" },
        if bgr { "BGR" } else { "RGB" },
    );
    (contract.mean, contract.std) = (Mean::PerChannel(mean), std);
    if input.height.max(input.width) > 256 {
        let (height, width) = (input.height, input.width);
        contract.resize = Resize::Exact { height, width, interpolation: Interpolation::BilinearAntialias };
    }
    Ok((contract, note))
}

/// To the seven digits that single precision has: 123.675 rather than 123.67499999.
fn plain(value: f64) -> f64 {
    format!("{value:.6e}").parse().unwrap_or(value)
}

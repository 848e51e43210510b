use super::{Contract, Fixture};
use crate::array::Array;
use alexnet_spec::{Mean, Preprocessing};
use anyhow::Result;
use std::collections::BTreeMap;

/// Inputs made from a seed, in the range that the network's preprocessing gives, and beyond it.
///
/// Noise reaches every weight. A smooth picture gives large connected activations. A bright square on black makes the
/// pools' and paddings' sides and the order of the channels show. The noise at twenty times its strength drives response
/// normalisation far from the identity, so that its constants show whatever the weights are.
pub fn builtin(contract: &Contract) -> Result<Vec<Fixture>> {
    let preprocessing = contract.preprocessing.clone().unwrap_or_else(Preprocessing::torchvision);
    let mut random = SplitMix(0x2012);
    let noise: Vec<f64> =
        (0..contract.input.channels * contract.input.height * contract.input.width).map(|_| random.unit()).collect();
    let pictures: [(&str, f64, Picture<'_>); 4] = [
        ("noise", 1.0, Box::new(|p: Pixel| noise.get(p.index).copied().unwrap_or(0.5))),
        ("waves", 1.0, Box::new(waves)),
        ("square", 1.0, Box::new(square)),
        ("noise x20", 20.0, Box::new(|p: Pixel| noise.get(p.index).copied().unwrap_or(0.5))),
    ];
    pictures.iter().map(|(name, gain, picture)| fixture(name, *gain, picture, contract, &preprocessing)).collect()
}

/// A place in the image: channel, and row and column from 0 to 1.
#[derive(Clone, Copy)]
struct Pixel {
    index: usize,
    channel: usize,
    row: f64,
    column: f64,
}

/// The brightness of every place, from 0 to 1.
type Picture<'a> = Box<dyn Fn(Pixel) -> f64 + 'a>;

fn waves(p: Pixel) -> f64 {
    let phase = p.channel as f64 * 1.3;
    0.5 + 0.3 * (9.0 * p.row + phase).sin() + 0.2 * (13.0 * p.column - 4.0 * p.row + phase).cos()
}

fn square(p: Pixel) -> f64 {
    let inside = (0.55..0.98).contains(&p.row) && (0.1..0.45).contains(&p.column);
    if inside { 1.0 - 0.35 * p.channel as f64 } else { 0.0 }
}

fn fixture(
    name: &str,
    gain: f64,
    picture: &dyn Fn(Pixel) -> f64,
    contract: &Contract,
    preprocessing: &Preprocessing,
) -> Result<Fixture> {
    let (channels, height, width) = (contract.input.channels, contract.input.height, contract.input.width);
    let range = preprocessing.range.max();
    let mean = match &preprocessing.mean {
        Mean::PerChannel(mean) => mean.clone(),
        Mean::Image(image) => {
            let pixels = (image.height * image.width).max(1);
            image
                .values
                .chunks(pixels)
                .map(|plane| plane.iter().map(|v| f64::from(*v)).sum::<f64>() / pixels as f64)
                .collect()
        }
        _ => Vec::new(),
    };
    let mut data = Vec::with_capacity(channels * height * width);
    for channel in 0..channels {
        let centre = mean.get(channel).copied().unwrap_or(range / 2.0);
        let spread = preprocessing.std.get(channel).copied().unwrap_or(1.0);
        for y in 0..height {
            for x in 0..width {
                let pixel = Pixel {
                    index: (channel * height + y) * width + x,
                    channel,
                    row: y as f64 / height as f64,
                    column: x as f64 / width as f64,
                };
                data.push((gain * (picture(pixel).clamp(0.0, 1.0) * range - centre) / spread) as f32);
            }
        }
    }
    let input = Array::new(vec![1, channels, height, width], data)?;
    Ok(Fixture { name: name.to_owned(), input, golden: BTreeMap::new() })
}

/// Steele, Lea and Flood's generator: the same inputs on every machine.
struct SplitMix(u64);

impl SplitMix {
    /// From 0 to below 1.
    fn unit(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alexnet_spec::networks;

    /// The first outputs of SplitMix64 from seed 1234567, as its authors' C program prints them.
    #[test]
    fn the_generator_is_splitmix64() {
        let mut random = SplitMix(1_234_567);
        let expected = [6_457_827_717_110_365_317u64, 3_203_168_211_198_807_973];
        for value in expected {
            assert_eq!(random.unit(), (value >> 11) as f64 / (1u64 << 53) as f64);
        }
    }

    #[test]
    fn noise_spans_the_range_of_the_preprocessing() {
        let network = networks::get("bvlc").unwrap();
        let contract = Contract {
            input: network.input.clone(),
            preprocessing: Some(network.preprocessing.clone()),
            network: Some(network),
        };
        let fixtures = builtin(&contract).unwrap();
        let blue = &fixtures[0].input.data[..227 * 227];
        let (low, high) = blue.iter().fold((f32::MAX, f32::MIN), |(l, h), v| (l.min(*v), h.max(*v)));
        assert!((-104.0..-103.9).contains(&low) && (150.9..=151.0).contains(&high), "{low} {high}");
    }
}

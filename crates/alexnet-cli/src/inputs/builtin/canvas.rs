use super::super::{Contract, Fixture};
use crate::array::Array;
use alexnet::preprocess::Preprocessor;
use alexnet_spec::{Input, Mean, MeanImage, Preprocessing, Resize};
use anyhow::Result;
use candle_core::Device;
use std::collections::BTreeMap;

/// What inputs are painted on: an image of the network's size, and what its preprocessing makes of a colour.
pub(super) struct Canvas {
    /// The input's size.
    pub input: Input,
    preprocessing: Preprocessing,
    mean: Vec<f64>,
}

/// A place in the input.
#[derive(Clone, Copy)]
pub(super) struct Place {
    pub channel: usize,
    pub row: usize,
    pub column: usize,
}

impl Canvas {
    /// The canvas of a contract. One that doesn't say how images become inputs gets torchvision's way.
    pub fn new(contract: &Contract) -> Result<Canvas> {
        let input = contract.input.clone();
        let preprocessing = contract.preprocessing.clone().unwrap_or_else(|| {
            let mut default = Preprocessing::torchvision();
            if let Resize::ShortSide { size, .. } = &mut default.resize {
                *size = (*size).max(input.height).max(input.width);
            }
            default
        });
        let mean = match &preprocessing.mean {
            Mean::PerChannel(mean) => mean.clone(),
            Mean::Image(image) => colours(image),
            _ => Vec::new(),
        };
        Ok(Canvas { input, preprocessing, mean })
    }

    /// The input's value where channel `channel` of the image has `brightness`, from 0 to 1. A mean image counts as its
    /// mean colour.
    pub fn value(&self, channel: usize, brightness: f64) -> f64 {
        let range = self.preprocessing.range.max();
        let mean = self.mean.get(channel).copied().unwrap_or(range / 2.0);
        let std = self.preprocessing.std.get(channel).copied().unwrap_or(1.0);
        (brightness.clamp(0.0, 1.0) * range - mean) / std
    }

    /// An input of the values that `value` gives, channel by channel and row by row.
    pub fn paint(&self, name: &str, mut value: impl FnMut(Place) -> f64) -> Result<Fixture> {
        let Input { channels, height, width } = self.input;
        let mut data = Vec::with_capacity(channels * height * width);
        for channel in 0..channels {
            for row in 0..height {
                data.extend((0..width).map(|column| value(Place { channel, row, column }) as f32));
            }
        }
        fixture(name, Array::new(vec![1, channels, height, width], data)?)
    }

    /// The input of an encoded image, preprocessed as one that a user gives.
    pub fn photograph(&self, name: &str, encoded: &[u8]) -> Result<Fixture> {
        let preprocessor = Preprocessor::of(&self.preprocessing, &self.input)?;
        fixture(name, Array::from_candle(&preprocessor.encoded(encoded, &Device::Cpu)?)?)
    }
}

fn fixture(name: &str, input: Array) -> Result<Fixture> {
    Ok(Fixture { name: name.to_owned(), input, golden: BTreeMap::new() })
}

/// The mean of every channel of a mean image.
fn colours(image: &MeanImage) -> Vec<f64> {
    let planes = image.values.chunks((image.height * image.width).max(1));
    planes.map(|plane| plane.iter().map(|value| f64::from(*value)).sum::<f64>() / plane.len() as f64).collect()
}

//! From an image to a network's input, exactly as the network's contract has it.
//!
//! A [`Preprocessor`] does what torchvision's `Resize`, `CenterCrop`, `ToTensor` and `Normalize` do on Pillow images, or
//! for Caffe's networks what OpenCV's `resize` does. Both resizes are done in the integer arithmetic of those libraries and
//! agree with them to the bit; only the part that the crop keeps is computed.
//!
//! Decoding is another matter: PNG is exact, while JPEG leaves decoders a choice, and the one used here differs from
//! Pillow's by up to three of 255 levels on the photographs of the tests. Neither EXIF orientation nor a colour profile is applied: torchvision, Pillow's `convert`
//! and Caffe ignore both.

#[cfg(feature = "image")]
mod decode;
mod opencv;
mod pillow;
mod window;

use crate::{Error, Network, Result};
use alexnet_spec::{ChannelOrder, Input, Interpolation, Mean, MeanImage, Preprocessing, Resize};
use candle_core::{Device, Tensor};
use window::{Pixels, Window};

/// The longest side of an input, in pixels: a guard against hostile network descriptions.
const MAX_SIDE: usize = 1 << 14;

/// Turns images into the input of one network.
#[derive(Clone, Debug)]
pub struct Preprocessor {
    contract: Preprocessing,
    height: usize,
    width: usize,
    planes: Vec<Plane>,
}

impl Preprocessor {
    /// The preprocessing that `network` was trained with.
    ///
    /// Errs where the network is malformed or doesn't take three colours.
    pub fn new(network: &Network) -> Result<Preprocessor> {
        network.trace()?;
        Preprocessor::of(&network.preprocessing, &network.input)
            .map_err(|error| Error::Unsuitable(format!("network `{}`: {error}", network.name)))
    }

    /// The preprocessing `contract` for a network of which no more is known than the `input` that it takes.
    ///
    /// Errs where the two don't go together, or the input isn't of three colours.
    pub fn of(contract: &Preprocessing, input: &Input) -> Result<Preprocessor> {
        contract.check(input).map_err(Error::Unsuitable)?;
        if input.channels != 3 {
            return Err(Error::Unsuitable(format!(
                "an input of {} channels is not of three colours: make its tensor yourself",
                input.channels
            )));
        }
        if input.height > MAX_SIDE || input.width > MAX_SIDE {
            return Err(Error::Unsuitable(format!(
                "an image of {}x{}; a side of more than {MAX_SIDE} pixels is refused",
                input.width, input.height
            )));
        }
        let planes = planes(contract, input.height, input.width)?;
        Ok(Preprocessor { contract: contract.clone(), height: input.height, width: input.width, planes })
    }

    /// The input `[1, 3, height, width]` in f32 from `pixels`: rows of red, green, blue bytes, first row on top.
    ///
    /// Errs where the image is empty or `pixels` hasn't `3 * width * height` bytes.
    pub fn rgb8(&self, width: usize, height: usize, pixels: &[u8], device: &Device) -> Result<Tensor> {
        let image = Pixels::new(width, height, pixels)?;
        let levels = self.resized(&image)?;
        let mut values = Vec::with_capacity(levels.len());
        for plane in &self.planes {
            plane.extend(&mut values, &levels);
        }
        Ok(Tensor::from_vec(values, (1, 3, self.height, self.width), device)?)
    }

    /// The input `[1, 3, height, width]` in f32 from an image file, JPEG or PNG; the content tells which.
    ///
    /// Grey becomes three equal colours, transparency is dropped, and of 16 bits the upper 8 are taken, as Pillow's
    /// `convert("RGB")` does (except that Pillow clips 16-bit *grey* to white).
    ///
    /// Errs, naming the file, where it can't be read or decoded, or decoding would take more than half a gigabyte.
    #[cfg(feature = "image")]
    pub fn path(&self, path: impl AsRef<std::path::Path>, device: &Device) -> Result<Tensor> {
        let image = decode::open(path.as_ref())?;
        self.rgb8(image.width() as usize, image.height() as usize, image.as_raw(), device)
    }

    /// [`Preprocessor::path`] for an image file's bytes.
    #[cfg(feature = "image")]
    pub fn encoded(&self, bytes: &[u8], device: &Device) -> Result<Tensor> {
        let image = decode::read(bytes)?;
        self.rgb8(image.width() as usize, image.height() as usize, image.as_raw(), device)
    }

    /// Red, green and blue levels of the resized and cropped image.
    fn resized(&self, image: &Pixels) -> Result<Vec<u8>> {
        let (width, height, interpolation) = match self.contract.resize {
            Resize::ShortSide { size, interpolation } => {
                let long = |long: usize, short: usize| {
                    let long = size as u128 * long as u128 / short as u128;
                    usize::try_from(long).map_err(|_| Error::Image(format!("{long} pixels are too many for a side")))
                };
                let (width, height) = (image.width, image.height);
                if width <= height {
                    (size, long(height, width)?, interpolation)
                } else {
                    (long(width, height)?, size, interpolation)
                }
            }
            Resize::Exact { height, width, interpolation } => (width, height, interpolation),
        };
        let columns = Window::centred(width, self.width);
        let rows = Window::centred(height, self.height);
        // What is cut out of the middle of the image upside down, where one more row is left over on one side.
        let rows = if self.contract.flip_vertical { rows.at_the_other_end() } else { rows };
        let mut levels = match interpolation {
            Interpolation::BilinearAntialias => pillow::resize(image, columns, rows),
            Interpolation::Bilinear => opencv::resize(image, columns, rows),
        };
        if self.contract.flip_vertical {
            levels = levels.chunks_exact(3 * self.width).rev().flatten().copied().collect();
        }
        Ok(levels)
    }
}

/// One channel of the input.
#[derive(Clone, Debug)]
struct Plane {
    /// The colour that it is: 0 is red.
    colour: usize,
    /// The value of every 8-bit level; with a mean image, before that is subtracted.
    values: [f32; 256],
    /// What is subtracted from each pixel, and what the difference is divided by.
    image: Option<(Vec<f32>, f32)>,
}

impl Plane {
    /// Adds the values of pixels whose three levels are in `levels`.
    fn extend(&self, values: &mut Vec<f32>, levels: &[u8]) {
        let plane = levels.chunks_exact(3).map(|pixel| self.values[usize::from(pixel[self.colour])]);
        match &self.image {
            None => values.extend(plane),
            Some((mean, std)) => values.extend(plane.zip(mean).map(|(value, mean)| (value - mean) / std)),
        }
    }
}

/// For each channel the value of every level, in the arithmetic of `ToTensor` and `Normalize`: f32 throughout.
fn planes(contract: &Preprocessing, height: usize, width: usize) -> Result<Vec<Plane>> {
    let colours = match contract.channel_order {
        ChannelOrder::Rgb => [0, 1, 2],
        ChannelOrder::Bgr => [2, 1, 0],
    };
    let scale = (255.0 / contract.range.max()) as f32;
    let table = |mean: f32, std: f32| std::array::from_fn(|level| (level as f32 / scale - mean) / std);
    let channels = colours.into_iter().zip(&contract.std).enumerate();
    match &contract.mean {
        Mean::PerChannel(means) => Ok(channels
            .zip(means)
            .map(|((_, (colour, std)), mean)| Plane { colour, values: table(*mean as f32, *std as f32), image: None })
            .collect()),
        Mean::Image(mean) => Ok(channels
            .map(|(channel, (colour, std))| {
                let image = Some((cropped(mean, channel, height, width), *std as f32));
                Plane { colour, values: table(0.0, 1.0), image }
            })
            .collect()),
        _ => Err(Error::Unsuitable("this version knows means per channel and mean images only".into())),
    }
}

/// The middle of one channel of a mean image, which `Network::trace` found large enough.
fn cropped(mean: &MeanImage, channel: usize, height: usize, width: usize) -> Vec<f32> {
    let plane = mean.values.chunks_exact(mean.height * mean.width).nth(channel).unwrap_or_default();
    let (rows, columns) = (Window::centred(mean.height, height), Window::centred(mean.width, width));
    let row = |row: usize| &plane[row * mean.width..][columns.positions()];
    rows.positions().flat_map(row).copied().collect()
}

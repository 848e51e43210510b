use serde::{Deserialize, Serialize};

/// The tensor that a network takes: `[N, channels, height, width]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// Colour channels.
    pub channels: usize,
    /// Height in pixels.
    pub height: usize,
    /// Width in pixels.
    pub width: usize,
}

/// How an image becomes the input tensor: resize, crop, order the channels, scale to the range, then
/// `(pixel - mean) / std` per channel.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Preprocessing {
    /// Which colour comes first.
    pub channel_order: ChannelOrder,
    /// What 8-bit pixels are scaled to before the mean is subtracted.
    pub range: PixelRange,
    /// What is subtracted, in units of `range`.
    pub mean: Mean,
    /// What each channel is divided by, in the input's channel order and in units of `range`.
    pub std: Vec<f64>,
    /// How the image is brought near the input's size.
    pub resize: Resize,
    /// How the input's height and width are cut out of it.
    #[serde(default)]
    pub crop: Crop,
    /// Whether the image is turned upside down: DeCAF's network was trained so.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub flip_vertical: bool,
}

/// The order of the colour channels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ChannelOrder {
    /// Red, green, blue: PyTorch, Keras, cuda-convnet.
    Rgb,
    /// Blue, green, red: Caffe, whose loader is OpenCV's.
    Bgr,
}

/// The range of pixel values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PixelRange {
    /// 0 to 1: 8-bit values divided by 255.
    #[serde(rename = "0..1")]
    Unit,
    /// 0 to 255: 8-bit values as they are.
    #[serde(rename = "0..255")]
    Byte,
}

impl PixelRange {
    /// The value of a pixel of 255.
    pub fn max(self) -> f64 {
        match self {
            PixelRange::Unit => 1.0,
            PixelRange::Byte => 255.0,
        }
    }
}

/// The mean that is subtracted from every pixel.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Mean {
    /// One value per channel, in the input's channel order.
    PerChannel(Vec<f64>),
    /// One value for every pixel: the mean of the training images.
    Image(MeanImage),
}

/// A mean image, as large as the resized image (it is cropped with it) or as the network's input.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MeanImage {
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
    /// Channel by channel in the input's channel order, each row by row, in the pixels' range; in JSON the little-endian
    /// bytes in base64.
    #[serde(with = "base64_f32")]
    pub values: Vec<f32>,
}

/// How an image is scaled before it is cropped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Resize {
    /// The shorter side becomes `size`; the longer follows in proportion, truncated to whole pixels as torchvision does.
    ShortSide {
        /// The shorter side's length in pixels.
        size: usize,
        /// The filter.
        interpolation: Interpolation,
    },
    /// Both sides are set, whatever the proportion.
    Exact {
        /// Height in pixels.
        height: usize,
        /// Width in pixels.
        width: usize,
        /// The filter.
        interpolation: Interpolation,
    },
}

/// The filter of a resize.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Interpolation {
    /// A triangle as wide as the scale demands (Pillow's and torchvision's bilinear with antialiasing).
    BilinearAntialias,
    /// The four neighbours alone, whatever the scale (OpenCV's and Caffe's bilinear).
    Bilinear,
}

/// How the input is cut out of the resized image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(rename_all = "lowercase")]
pub enum Crop {
    /// From the middle; an odd remainder is rounded as Python's `round` does in torchvision (half to even).
    #[default]
    Center,
}

impl Preprocessing {
    /// torchvision's: RGB in 0 to 1, ImageNet mean and standard deviation, short side 256, centre crop.
    pub fn torchvision() -> Preprocessing {
        Preprocessing {
            channel_order: ChannelOrder::Rgb,
            range: PixelRange::Unit,
            mean: Mean::PerChannel(vec![0.485, 0.456, 0.406]),
            std: vec![0.229, 0.224, 0.225],
            resize: Resize::ShortSide { size: 256, interpolation: Interpolation::BilinearAntialias },
            crop: Crop::Center,
            flip_vertical: false,
        }
    }

    /// Caffe's: BGR in 0 to 255 minus the mean colour, image squeezed to 256x256, centre crop.
    pub fn caffe() -> Preprocessing {
        Preprocessing {
            channel_order: ChannelOrder::Bgr,
            range: PixelRange::Byte,
            mean: Mean::PerChannel(vec![104.0, 117.0, 123.0]),
            std: vec![1.0; 3],
            resize: Resize::Exact { height: 256, width: 256, interpolation: Interpolation::Bilinear },
            crop: Crop::Center,
            flip_vertical: false,
        }
    }

    /// The 2012 paper's (section 2): RGB in 0 to 255, short side 256, central 256x256 patch, mean subtracted.
    ///
    /// The paper subtracts the training set's mean *image*; its mean colour stands in where that image isn't at hand.
    pub fn krizhevsky() -> Preprocessing {
        Preprocessing {
            channel_order: ChannelOrder::Rgb,
            range: PixelRange::Byte,
            mean: Mean::PerChannel(vec![123.68, 116.779, 103.939]),
            std: vec![1.0; 3],
            resize: Resize::ShortSide { size: 256, interpolation: Interpolation::BilinearAntialias },
            crop: Crop::Center,
            flip_vertical: false,
        }
    }

    /// What must hold for an `input`: a mean and a divisor for each channel, none of them zero or not finite, and a mean
    /// image of the size of one of the two images that there are.
    pub fn check(&self, input: &Input) -> Result<(), String> {
        let count = |what: &str, values: usize| match values == input.channels {
            true => Ok(()),
            false => {
                Err(format!("preprocessing: {values} values of {what} for an input of {} channels", input.channels))
            }
        };
        count("std", self.std.len())?;
        let (height, width) = match self.resize {
            Resize::ShortSide { size, .. } => (size, size),
            Resize::Exact { height, width, .. } => (height, width),
        };
        let finite = match &self.mean {
            Mean::PerChannel(mean) => {
                count("mean", mean.len())?;
                mean.iter().all(|v| v.is_finite())
            }
            Mean::Image(image) => {
                image.check(input, (height, width))?;
                image.values.iter().all(|v| v.is_finite())
            }
        };
        if !finite || !self.std.iter().all(|v| v.is_finite() && *v > 0.0) {
            return Err("preprocessing: mean must be finite and std above zero".into());
        }
        if height < input.height || width < input.width {
            return Err(format!(
                "preprocessing: an image of {height}x{width} after the resize is too small for the {}x{} input",
                input.height, input.width
            ));
        }
        Ok(())
    }
}

impl MeanImage {
    /// Errs where the image isn't of the `resized` image's size nor of the input's, or has another number of values.
    fn check(&self, input: &Input, resized: (usize, usize)) -> Result<(), String> {
        let size = (self.height, self.width);
        if size != resized && size != (input.height, input.width) {
            return Err(format!(
                "preprocessing: the mean image is {}x{}, but the resized image is {}x{} and the input {}x{}",
                self.height, self.width, resized.0, resized.1, input.height, input.width
            ));
        }
        let needed = self.height.checked_mul(self.width).and_then(|pixels| pixels.checked_mul(input.channels));
        match needed == Some(self.values.len()) {
            true => Ok(()),
            false => Err(format!(
                "preprocessing: the mean image of {}x{} has {} values for {} channels",
                self.height,
                self.width,
                self.values.len(),
                input.channels
            )),
        }
    }
}

mod base64_f32 {
    use base64::{Engine, prelude::BASE64_STANDARD};
    use serde::{Deserialize, Deserializer, Serializer, de::Error};
    use std::borrow::Cow;

    pub fn serialize<S: Serializer>(values: &[f32], serializer: S) -> Result<S::Ok, S::Error> {
        let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        serializer.serialize_str(&BASE64_STANDARD.encode(bytes))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<f32>, D::Error> {
        let text: Cow<'de, str> = Deserialize::deserialize(deserializer)?;
        let bytes = BASE64_STANDARD.decode(text.as_bytes()).map_err(D::Error::custom)?;
        match bytes.as_chunks() {
            (values, []) => Ok(values.iter().map(|value| f32::from_le_bytes(*value)).collect()),
            _ => Err(D::Error::custom("the values of a mean image take four bytes each")),
        }
    }
}

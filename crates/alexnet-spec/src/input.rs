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
        }
    }

    /// What must hold for an input of `channels`: one mean and one divisor per channel, none of them zero or not finite.
    pub(crate) fn check(&self, input: &Input) -> Result<(), String> {
        let Mean::PerChannel(mean) = &self.mean;
        for (what, values) in [("mean", mean), ("std", &self.std)] {
            if values.len() != input.channels {
                return Err(format!(
                    "preprocessing: {} values of {what} for an input of {} channels",
                    values.len(),
                    input.channels
                ));
            }
        }
        if !mean.iter().all(|v| v.is_finite()) || !self.std.iter().all(|v| v.is_finite() && *v > 0.0) {
            return Err("preprocessing: mean must be finite and std above zero".into());
        }
        let (height, width) = match self.resize {
            Resize::ShortSide { size, .. } => (size, size),
            Resize::Exact { height, width, .. } => (height, width),
        };
        if height < input.height || width < input.width {
            return Err(format!(
                "preprocessing: an image of {height}x{width} after the resize is too small for the {}x{} input",
                input.height, input.width
            ));
        }
        Ok(())
    }
}

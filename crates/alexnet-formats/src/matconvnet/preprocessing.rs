//! `normalization`: how MatConvNet's examples (`cnn_imagenet_evaluate.m`, `vl_imreadjpeg`) make an image the input.

use super::options::{Options, whole};
use crate::mat::Value;
use crate::{Error, Result};
use alexnet_spec::{
    ChannelOrder, Crop, Input, Interpolation, Mean, MeanImage, PixelRange, Preprocessing, Resize, Tensor,
};

/// The side that an image has before it is cropped where the file says nothing of it: every ImageNet network's.
const SIDE: usize = 256;

/// Images as the fields of `normalization` say: red, green and blue from 0 to 255.
pub(super) fn read(
    options: Option<Options>,
    input: Option<&Input>,
    notes: &mut Vec<String>,
) -> Result<Option<Preprocessing>> {
    if input.is_some_and(|input| input.channels != 3) {
        return Ok(None);
    }
    let (height, width) = match (input, options) {
        (Some(input), Some(options)) => resized(options, input)?,
        _ => (SIDE, SIDE),
    };
    let keep_aspect = match options {
        Some(options) => options.number("keepAspect", 1.0)? != 0.0,
        None => true,
    };
    if let Some(filter) = options.map(|options| options.text("interpolation")).transpose()?.flatten()
        && !matches!(filter, "" | "bilinear")
    {
        let filter = filter.escape_debug();
        notes.push(format!("images were resized with the filter `{filter}`: a triangle stands in for it"));
    }
    // MATLAB's own resizing widens the filter where it shrinks an image.
    let interpolation = Interpolation::BilinearAntialias;
    let resize = match keep_aspect {
        true => Resize::ShortSide { size: height.max(width), interpolation },
        false => Resize::Exact { height, width, interpolation },
    };
    let average = options.and_then(|options| options.get("averageImage"));
    let mean = match average.filter(|average| !average.is_empty()) {
        Some(Value::Numbers(average)) => mean(average, input, (height, width), notes)?,
        Some(other) => return Err(Error::refused(format!("`averageImage` is {}", other.describe()))),
        None => {
            notes.push("the file has no average image: none is subtracted".into());
            Mean::PerChannel(vec![0.0; 3])
        }
    };
    Ok(Some(Preprocessing {
        channel_order: ChannelOrder::Rgb,
        range: PixelRange::Byte,
        mean,
        std: vec![1.0; 3],
        resize,
        crop: Crop::Center,
        flip_vertical: false,
    }))
}

/// The size of the image of which the input is the middle: `cropSize` is the input's part of it, `border`, which older files
/// have alone, what the input lacks of it.
fn resized(options: Options, input: &Input) -> Result<(usize, usize)> {
    let both = |name: &str| match options.numbers(name)?.as_deref() {
        None => Ok(None),
        Some([both]) => Ok(Some([*both; 2])),
        Some([vertical, horizontal]) => Ok(Some([*vertical, *horizontal])),
        Some(others) => Err(Error::refused(format!("`{name}` has {} numbers, not 1 or 2", others.len()))),
    };
    let sides = [input.height, input.width];
    if let Some(parts) = both("cropSize")? {
        let side = |side: usize, part: f64| {
            let whole = whole((side as f64 / part).round()).filter(|whole| part > 0.0 && *whole >= side);
            whole.ok_or_else(|| Error::refused(format!("a `cropSize` of {part}")))
        };
        let ([height, width], [vertical, horizontal]) = (sides, parts);
        return Ok((side(height, vertical)?, side(width, horizontal)?));
    }
    let ([height, width], [vertical, horizontal]) = (sides, both("border")?.unwrap_or_default());
    match (whole(vertical), whole(horizontal)) {
        (Some(vertical), Some(horizontal)) => Ok((height.saturating_add(vertical), width.saturating_add(horizontal))),
        _ => Err(Error::refused(format!("a `border` of {vertical} and {horizontal}"))),
    }
}

/// `averageImage`: a colour, or an image of the input's size or of the resized image's.
fn mean(average: &Tensor, input: Option<&Input>, resized: (usize, usize), notes: &mut Vec<String>) -> Result<Mean> {
    let wrong = || Error::refused(format!("`averageImage` is {:?}, no colour and no image", average.shape()));
    if average.elements() == 3 {
        let colour = Value::Numbers(average.clone()).numbers(3).ok_or_else(wrong)?;
        return Ok(Mean::PerChannel(colour));
    }
    let &[height, width, 3] = average.shape() else { return Err(wrong()) };
    let values = average.permute(&[2, 0, 1])?.to_f32()?;
    let crop = input.map(|input| (input.height, input.width));
    if crop == Some((height, width)) || resized == (height, width) {
        return Ok(Mean::Image(MeanImage { height, width, values }));
    }
    notes.push(format!("the average image of {height}x{width} has neither size of ours: its mean colour stands in"));
    let pixels = height.saturating_mul(width).max(1);
    let colour = |plane: &[f32]| plane.iter().map(|value| f64::from(*value)).sum::<f64>() / pixels as f64;
    Ok(Mean::PerChannel(values.chunks_exact(pixels).map(colour).collect()))
}

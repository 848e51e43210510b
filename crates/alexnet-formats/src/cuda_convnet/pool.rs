use super::builder::{Builder, Extent, Output};
use super::layer::Layer;
use crate::shown::shown;
use crate::{Error, Result};
use alexnet_spec::Shape;
use alexnet_spec::layers::{Infer, MaxPool2d, Rounding};

/// A pool of the largest value. The number of windows is rounded up; the last is cut at the border.
pub(super) fn pool(builder: &mut Builder<'_>, layer: &Layer<'_>) -> Result<Output> {
    let kind = layer.text("pool")?;
    if kind != "max" {
        let kind = shown(kind.as_bytes());
        return Err(Error::refused(format!("pools by `{kind}`; only the largest value (`max`) is converted")));
    }
    builder.only_input(layer)?;
    let (channels, size) = (layer.count("channels")?, layer.count("imgSize")?);
    let input = builder.maps(layer, 0, channels, size)?;
    let (window, stride, windows) = (layer.count("sizeX")?, layer.count("stride")?, layer.count("outputsX")?);
    let start = layer.integer_or_zero("start")?;
    let before = start.checked_neg().and_then(|before| usize::try_from(before).ok());
    let before = before
        .ok_or_else(|| Error::refused(format!("its first window begins at pixel {start}, which leaves pixels out")))?;
    let op =
        MaxPool2d { kernel: [window; 2], stride: [stride; 2], pads: [before, before, 0, 0], rounding: Rounding::Ceil };
    let gives = Shape::Map { channels, height: windows, width: windows };
    match op.output(Shape::Map { channels, height: size, width: size }) {
        Ok(shape) if shape == gives => {}
        Ok(shape) => {
            return Err(Error::refused(format!("gives {windows}x{windows} windows; all that fit would be {shape}")));
        }
        Err(error) => return Err(Error::malformed(error)),
    }
    Ok(builder.push(layer, vec![input], op, Extent::Maps { channels, size: windows }))
}

use super::{Pack, int, pixels};
use candle_core::{Result, bail};

/// How [`Pack`] lays a source out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Packing {
    /// Rows and columns of zeros before the source's first.
    pub(crate) pads: [usize; 2],
    /// Rows and columns of the pixels that become one pixel's channels.
    pub(crate) block: [usize; 2],
    /// Height and width of the result, in blocks.
    pub(crate) out: [usize; 2],
    /// `[N, H, W, C]` instead of `[N, C, H, W]`.
    pub(crate) channels_last: bool,
}

impl Pack {
    /// The packing of a source of `[images, channels, height, width]`.
    pub(crate) fn new(packing: Packing, [images, channels, height, width]: [usize; 4]) -> Result<Pack> {
        let Packing { pads, block, out, channels_last } = packing;
        if block.contains(&0) || channels == 0 {
            bail!("packing: blocks of {}x{} pixels of {channels} channels", block[0], block[1]);
        }
        // The largest numbers that the kernel computes.
        pixels(channels, height.saturating_mul(width))?;
        let rows = out[0].saturating_mul(block[0]);
        let columns = out[1].saturating_mul(block[1]);
        pixels(channels, rows.saturating_mul(columns))?;
        Ok(Pack {
            images: i64::try_from(images).map_err(candle_core::Error::wrap)?,
            channels: int("channels", channels)?,
            height: int("height", height)?,
            width: int("width", width)?,
            pad_top: int("padding", pads[0])?,
            pad_left: int("padding", pads[1])?,
            block_height: int("block", block[0])?,
            block_width: int("block", block[1])?,
            out_height: int("height", out[0])?,
            out_width: int("width", out[1])?,
            channels_last: channels_last.into(),
        })
    }
}

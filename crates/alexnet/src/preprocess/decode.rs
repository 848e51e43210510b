use crate::{Error, Result};
use image::{DynamicImage, ImageReader, Limits, Rgb, RgbImage};
use std::io::{BufRead, Cursor, Seek};
use std::path::Path;

/// The longest side of an image that is decoded, in pixels.
const MAX_SIDE: u32 = 1 << 16;

/// The most memory that decoding may take, in bytes.
const MAX_MEMORY: u64 = 512 << 20;

pub(super) fn open(path: &Path) -> Result<RgbImage> {
    let reader = ImageReader::open(path).map_err(Error::io(path))?.with_guessed_format().map_err(Error::io(path))?;
    decode(reader).map_err(|message| Error::file(path, message))
}

pub(super) fn read(bytes: &[u8]) -> Result<RgbImage> {
    let reader = ImageReader::new(Cursor::new(bytes)).with_guessed_format();
    reader.map_err(|e| e.to_string()).and_then(decode).map_err(Error::Image)
}

fn decode(mut reader: ImageReader<impl BufRead + Seek>) -> Result<RgbImage, String> {
    if reader.format().is_none() {
        return Err("neither JPEG nor PNG: try converting it to one of them".into());
    }
    let mut limits = Limits::default();
    limits.max_image_width = Some(MAX_SIDE);
    limits.max_image_height = Some(MAX_SIDE);
    limits.max_alloc = Some(MAX_MEMORY);
    reader.limits(limits);
    reader.decode().map(to_rgb8).map_err(|e| e.to_string())
}

/// What Pillow's `convert("RGB")` does; see [`super::Preprocessor::path`].
fn to_rgb8(image: DynamicImage) -> RgbImage {
    fn upper<const N: usize>(levels: [u16; N]) -> [u8; N] {
        levels.map(|level| (level >> 8) as u8)
    }
    match image {
        DynamicImage::ImageLuma16(grey) => {
            colours(grey.width(), grey.height(), grey.pixels().map(|p| upper([p.0[0]; 3])))
        }
        DynamicImage::ImageLumaA16(grey) => {
            colours(grey.width(), grey.height(), grey.pixels().map(|p| upper([p.0[0]; 3])))
        }
        DynamicImage::ImageRgb16(rgb) => colours(rgb.width(), rgb.height(), rgb.pixels().map(|p| upper(p.0))),
        DynamicImage::ImageRgba16(rgba) => {
            colours(rgba.width(), rgba.height(), rgba.pixels().map(|p| upper([p.0[0], p.0[1], p.0[2]])))
        }
        other => other.into_rgb8(),
    }
}

fn colours(width: u32, height: u32, pixels: impl Iterator<Item = [u8; 3]>) -> RgbImage {
    let mut image = RgbImage::new(width, height);
    for (out, pixel) in image.pixels_mut().zip(pixels) {
        *out = Rgb(pixel);
    }
    image
}

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::{ExtendedColorType, ImageEncoder};

/// A picture of red, green and blue bytes.
#[derive(Clone, Debug, PartialEq)]
pub struct Picture {
    pub width: usize,
    pub height: usize,
    rgb: Vec<u8>,
}

impl Picture {
    /// A picture of one colour.
    pub fn new(width: usize, height: usize, colour: [u8; 3]) -> Picture {
        Picture { width, height, rgb: colour.repeat(width.saturating_mul(height)) }
    }

    /// A picture from the colour of every place, row by row.
    pub fn from_fn(width: usize, height: usize, colour: impl Fn(usize, usize) -> [u8; 3]) -> Picture {
        let places = (0..height).flat_map(|y| (0..width).map(move |x| (x, y)));
        Picture { width, height, rgb: places.flat_map(|(x, y)| colour(x, y)).collect() }
    }

    /// Colours one place; those outside are left alone.
    pub fn set(&mut self, x: usize, y: usize, colour: [u8; 3]) {
        if x < self.width
            && let Some(place) = self.rgb.chunks_exact_mut(3).nth(y.saturating_mul(self.width).saturating_add(x))
        {
            place.copy_from_slice(&colour);
        }
    }

    /// The picture as a PNG in a `data:` URI; none where it has no pixels or too many for a PNG.
    pub fn data_uri(&self) -> Option<String> {
        let (width, height) = (u32::try_from(self.width).ok()?, u32::try_from(self.height).ok()?);
        let mut png = Vec::new();
        let encoder = PngEncoder::new_with_quality(&mut png, CompressionType::Best, FilterType::Adaptive);
        encoder.write_image(&self.rgb, width, height, ExtendedColorType::Rgb8).ok()?;
        Some(data_uri(&png))
    }
}

/// A PNG as a URI that holds it.
pub fn data_uri(png: &[u8]) -> String {
    format!("data:image/png;base64,{}", BASE64_STANDARD.encode(png))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_comes_back_from_its_png() {
        let mut picture = Picture::from_fn(3, 2, |x, y| [x as u8, y as u8, 9]);
        picture.set(2, 1, [255, 0, 0]);
        picture.set(3, 0, [1, 1, 1]);
        let uri = picture.data_uri().unwrap();
        let png = BASE64_STANDARD.decode(uri.strip_prefix("data:image/png;base64,").unwrap()).unwrap();
        let decoded = image::load_from_memory(&png).unwrap().into_rgb8();
        assert_eq!(decoded.dimensions(), (3, 2));
        assert_eq!(decoded.into_raw(), [0, 0, 9, 1, 0, 9, 2, 0, 9, 0, 1, 9, 1, 1, 9, 255, 0, 0]);
    }

    #[test]
    fn nothing_is_no_picture() {
        assert_eq!(Picture::new(0, 4, [0; 3]).data_uri(), None);
    }
}

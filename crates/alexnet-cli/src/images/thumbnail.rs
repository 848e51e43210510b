use anyhow::{Context, Result};
use image::codecs::png::PngEncoder;
use image::{ImageReader, Limits};
use std::path::Path;

/// The longest side of a thumbnail in pixels.
const SIDE: u32 = 96;

/// A small PNG of the image at `path`, in its own proportions.
pub fn thumbnail(path: &Path) -> Result<Vec<u8>> {
    let place = || path.display().to_string();
    let mut reader = ImageReader::open(path).with_context(place)?.with_guessed_format().with_context(place)?;
    let mut limits = Limits::default();
    limits.max_alloc = Some(512 << 20);
    reader.limits(limits);
    let small = reader.decode().with_context(place)?.thumbnail(SIDE, SIDE).into_rgb8();
    let mut png = Vec::new();
    small.write_with_encoder(PngEncoder::new(&mut png)).with_context(place)?;
    Ok(png)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thumbnail_keeps_the_proportions() {
        let photo = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/photos/coffee.jpg");
        let small = image::load_from_memory(&thumbnail(&photo).unwrap()).unwrap();
        // 320x213
        assert_eq!((small.width(), small.height()), (96, 64));
    }
}

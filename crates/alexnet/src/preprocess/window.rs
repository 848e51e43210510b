use crate::{Error, Result};

/// An image in rows of red, green, blue bytes.
#[derive(Clone, Copy)]
pub(super) struct Pixels<'a> {
    pub(super) width: usize,
    pub(super) height: usize,
    pub(super) bytes: &'a [u8],
}

impl Pixels<'_> {
    pub(super) fn new(width: usize, height: usize, bytes: &[u8]) -> Result<Pixels<'_>> {
        let needed = width.checked_mul(height).and_then(|pixels| pixels.checked_mul(3));
        if width == 0 || height == 0 || needed != Some(bytes.len()) {
            return Err(Error::Image(format!(
                "{} bytes aren't an RGB image of {width}x{height}: it needs three for each pixel, and one pixel at least",
                bytes.len()
            )));
        }
        Ok(Pixels { width, height, bytes })
    }

    pub(super) fn row(&self, row: usize) -> &[u8] {
        let start = row * self.width * 3;
        &self.bytes[start..start + self.width * 3]
    }
}

/// The part of one axis of a resized image that the crop keeps.
#[derive(Clone, Copy)]
pub(super) struct Window {
    /// The axis' length after the resize.
    pub(super) size: usize,
    /// The first position that is kept.
    pub(super) start: usize,
    /// How many positions are kept.
    pub(super) length: usize,
}

impl Window {
    /// `length` of `size` positions from the middle. Half a position is rounded to even, as Python's `round` does in
    /// torchvision's `CenterCrop`.
    pub(super) fn centred(size: usize, length: usize) -> Window {
        let spare = size.saturating_sub(length);
        let start = spare / 2 + usize::from(spare % 4 == 3);
        Window { size, start, length }
    }

    /// As many positions, as far from the end as these are from the start.
    pub(super) fn at_the_other_end(self) -> Window {
        Window { start: self.size.saturating_sub(self.length).saturating_sub(self.start), ..self }
    }

    pub(super) fn positions(self) -> std::ops::Range<usize> {
        self.start..self.start + self.length
    }
}

#[cfg(test)]
mod tests {
    use super::Window;

    /// Python: `[round(n / 2) for n in range(8)]`.
    #[test]
    fn half_a_pixel_is_rounded_to_even() {
        let starts: Vec<_> = (0..8).map(|spare| Window::centred(10 + spare, 10).start).collect();
        assert_eq!(starts, [0, 0, 1, 2, 2, 2, 3, 4]);
    }
}

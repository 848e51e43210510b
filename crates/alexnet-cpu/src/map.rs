use crate::simd::{LANES, Lanes};
use std::ops::Range;

/// How a feature map lies in memory: in blocks of sixteen channels, each block's rows of pixels one after the other, each
/// pixel a vector of the block's channels; with a border of zeros where the next layer pads. Channels that fill up the last
/// block are zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Map {
    pub(crate) channels: usize,
    pub(crate) height: usize,
    pub(crate) width: usize,
    /// Top, left, bottom, right.
    pub(crate) border: [usize; 4],
}

impl Map {
    pub(crate) fn blocks(&self) -> usize {
        self.channels.div_ceil(LANES)
    }

    /// Pixels in a row, with the border.
    pub(crate) fn row_pixels(&self) -> usize {
        self.width + self.border[1] + self.border[3]
    }

    /// Pixels of a block, with the border.
    pub(crate) fn block_pixels(&self) -> usize {
        (self.height + self.border[0] + self.border[2]) * self.row_pixels()
    }

    /// Vectors of the map.
    pub(crate) fn pixels(&self) -> usize {
        self.blocks() * self.block_pixels()
    }

    /// The pixels of row `y` of `block`, without the border.
    pub(crate) fn row(&self, block: usize, y: usize) -> Range<usize> {
        let start = block * self.block_pixels() + (y + self.border[0]) * self.row_pixels() + self.border[1];
        start..start + self.width
    }

    /// One value for each channel, in blocks; those that fill up the last one are zero.
    pub(crate) fn lanes(&self, values: &[f32]) -> Vec<Lanes> {
        let mut lanes = vec![Lanes::default(); self.blocks()];
        for (channel, value) in values.iter().enumerate() {
            lanes[channel / LANES].0[channel % LANES] = *value;
        }
        lanes
    }

    /// The same map with another border.
    pub(crate) fn with_border(self, border: [usize; 4]) -> Map {
        Map { border, ..self }
    }
}

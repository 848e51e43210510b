//! Between the layout of tensors, channel by channel, and that of the stages.

use super::{Rows, Stage};
use crate::element::Element;
use crate::map::Map;
use crate::memory::{Buffer, Input};
use crate::simd::{Isa, LANES, Lanes, Simd, values_mut};

/// An image, channel by channel, with zeros around it: for a first convolution that pads.
#[derive(Debug)]
pub(crate) struct Pad {
    channels: usize,
    height: usize,
    width: usize,
    /// Top, left, bottom, right.
    pads: [usize; 4],
}

impl Pad {
    pub(crate) fn new(channels: usize, height: usize, width: usize, pads: [usize; 4]) -> Pad {
        Pad { channels, height, width, pads }
    }

    /// Height and width of the result.
    pub(crate) fn size(&self) -> (usize, usize) {
        let [top, left, bottom, right] = self.pads;
        (self.height + top + bottom, self.width + left + right)
    }
}

/// One item: rows don't start at vectors.
impl<E: Element> Stage<E> for Pad {
    fn items(&self) -> usize {
        1
    }

    fn length(&self) -> usize {
        let (height, width) = self.size();
        (self.channels * height * width).div_ceil(LANES)
    }

    unsafe fn run(&self, _: Isa, _: usize, input: Input<E>, output: &Buffer<E>) {
        let (height, width) = self.size();
        // SAFETY: there is one item, so nobody else has a part.
        let output = values_mut(unsafe { output.part(0..(self.channels * height * width).div_ceil(LANES)) });
        for (row, from) in input.values().chunks_exact(self.width).enumerate() {
            let (channel, y) = (row / self.height, row % self.height);
            let at = (channel * height + y + self.pads[0]) * width + self.pads[1];
            output[at..at + self.width].copy_from_slice(from);
        }
    }
}

/// An image, channel by channel, brought into blocks: for networks that don't start with a convolution.
#[derive(Debug)]
pub(crate) struct Block(pub(crate) Map);

impl Rows for Block {
    fn output(&self) -> &Map {
        &self.0
    }

    #[inline(always)]
    fn row<E: Element, S: Simd>(&self, _: S, (block, y): (usize, usize), input: Input<E>, output: &mut [Lanes<E>]) {
        let Map { channels, height, width, .. } = self.0;
        for channel in block * LANES..channels.min((block + 1) * LANES) {
            let from = &input.values()[(channel * height + y) * width..][..width];
            for (to, from) in output.iter_mut().zip(from) {
                to.0[channel % LANES] = *from;
            }
        }
    }
}

/// A map in blocks, written channel by channel.
pub(crate) fn unblock<E: Element>(map: &Map, from: &[Lanes<E>], to: &mut [E]) {
    for (row, to) in to.chunks_exact_mut(map.width).take(map.channels * map.height).enumerate() {
        let (channel, y) = (row / map.height, row % map.height);
        for (to, from) in to.iter_mut().zip(&from[map.row(channel / LANES, y)]) {
            *to = from.0[channel % LANES];
        }
    }
}

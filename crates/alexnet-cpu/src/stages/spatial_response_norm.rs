use super::{Stage, power::Power};
use crate::element::Element;
use crate::map::Map;
use crate::memory::{Buffer, Input};
use crate::simd::{Isa, Kernel, Lanes, Simd};
use alexnet_spec::layers as spec;
use std::ops::Range;

/// The norm over a window of pixels, channel by channel: cuda-convnet's.
#[derive(Debug)]
pub(crate) struct SpatialResponseNorm {
    /// Pixels of the window before and after its own, in each direction.
    before: usize,
    after: usize,
    alpha: f32,
    k: f32,
    power: Power,
    input: Map,
    output: Map,
}

impl SpatialResponseNorm {
    pub(crate) fn new(layer: &spec::SpatialResponseNorm, input: Map, output: Map) -> SpatialResponseNorm {
        let (before, after) = layer.reach();
        let (alpha, k) = (layer.effective_alpha() as f32, layer.k as f32);
        SpatialResponseNorm { before, after, alpha, k, power: Power::of_beta(layer.beta), input, output }
    }

    fn window(&self, centre: usize, size: usize) -> Range<usize> {
        centre.saturating_sub(self.before)..(centre + self.after + 1).min(size)
    }
}

/// An item is a row of a block.
impl<E: Element> Stage<E> for SpatialResponseNorm {
    fn items(&self) -> usize {
        self.output.blocks() * self.output.height
    }

    fn length(&self) -> usize {
        self.output.pixels()
    }

    unsafe fn run(&self, isa: Isa, item: usize, input: Input<E>, output: &Buffer<E>) {
        let (block, y) = (item / self.output.height, item % self.output.height);
        // SAFETY: each item has its own block and row, so this row is written by this call alone.
        let output = unsafe { output.part(self.output.row(block, y)) };
        isa.run(Row { norm: self, block, y, input: input.lanes(), output });
    }
}

struct Row<'a, E: Element> {
    norm: &'a SpatialResponseNorm,
    block: usize,
    y: usize,
    input: &'a [Lanes<E>],
    output: &'a mut [Lanes<E>],
}

impl<E: Element> Kernel for Row<'_, E> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let SpatialResponseNorm { input, power, .. } = *self.norm;
        let (k, alpha) = (simd.splat(self.norm.k), simd.splat(self.norm.alpha));
        let rows = self.norm.window(self.y, input.height);
        // The sum of each column's squares over the window's rows.
        let mut columns = vec![Lanes::default(); input.width];
        for y in rows {
            for (sum, x) in columns.iter_mut().zip(&self.input[input.row(self.block, y)]) {
                let x = E::load(simd, x);
                simd.store(simd.mul_add(x, x, simd.load(sum)), sum);
            }
        }
        let own = &self.input[input.row(self.block, self.y)];
        for (x, (output, own)) in self.output.iter_mut().zip(own).enumerate() {
            let sums = &columns[self.norm.window(x, input.width)];
            let mut sum = simd.splat(0.0);
            for column in sums {
                sum = simd.add(sum, simd.load(column));
            }
            E::store(simd, power.divide(simd, E::load(simd, own), simd.mul_add(sum, alpha, k)), output);
        }
    }
}

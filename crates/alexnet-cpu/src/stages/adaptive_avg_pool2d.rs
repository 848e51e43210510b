use super::Stage;
use crate::element::Element;
use crate::map::Map;
use crate::memory::{Buffer, Input};
use crate::simd::{Isa, Kernel, Lanes, Simd};
use alexnet_spec::layers as spec;

/// The mean over windows that cover the input for any size of it; a copy where input and output have the same size.
#[derive(Debug)]
pub(crate) struct AdaptiveAvgPool2d {
    input: Map,
    output: Map,
}

impl AdaptiveAvgPool2d {
    pub(crate) fn new(input: Map, output: Map) -> AdaptiveAvgPool2d {
        AdaptiveAvgPool2d { input, output }
    }
}

/// An item is a row of a block.
impl<E: Element> Stage<E> for AdaptiveAvgPool2d {
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
        isa.run(Row { pool: self, block, y, input: input.lanes(), output });
    }
}

struct Row<'a, E: Element> {
    pool: &'a AdaptiveAvgPool2d,
    block: usize,
    y: usize,
    input: &'a [Lanes<E>],
    output: &'a mut [Lanes<E>],
}

impl<E: Element> Kernel for Row<'_, E> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let AdaptiveAvgPool2d { input, output } = self.pool;
        let range = spec::AdaptiveAvgPool2d::range;
        let rows = range(self.y, output.height, input.height);
        for (x, to) in self.output.iter_mut().enumerate() {
            let columns = range(x, output.width, input.width);
            let mut sum = simd.splat(0.0);
            for y in rows.clone() {
                for pixel in &self.input[input.row(self.block, y)][columns.clone()] {
                    sum = simd.add(sum, E::load(simd, pixel));
                }
            }
            E::store(simd, simd.div(sum, simd.splat((rows.len() * columns.len()) as f32)), to);
        }
    }
}

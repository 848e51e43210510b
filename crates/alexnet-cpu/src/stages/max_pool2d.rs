use super::Stage;
use crate::element::Element;
use crate::map::Map;
use crate::memory::{Buffer, Input};
use crate::simd::{Isa, Kernel, Lanes, Simd};
use alexnet_spec::layers as spec;
use std::ops::Range;

/// The pool; windows are cut at the input's border, which is what padding means for a maximum.
#[derive(Debug)]
pub(crate) struct MaxPool2d {
    layer: spec::MaxPool2d,
    input: Map,
    output: Map,
}

impl MaxPool2d {
    pub(crate) fn new(layer: &spec::MaxPool2d, input: Map, output: Map) -> MaxPool2d {
        MaxPool2d { layer: layer.clone(), input, output }
    }
}

/// What the window `index` covers of an axis of `size`.
fn window(index: usize, kernel: usize, stride: usize, pad: usize, size: usize) -> Range<usize> {
    let start = index * stride;
    start.saturating_sub(pad)..(start + kernel).saturating_sub(pad).min(size)
}

/// An item is a row of a block.
impl<E: Element> Stage<E> for MaxPool2d {
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
    pool: &'a MaxPool2d,
    block: usize,
    y: usize,
    input: &'a [Lanes<E>],
    output: &'a mut [Lanes<E>],
}

impl<E: Element> Kernel for Row<'_, E> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let MaxPool2d { layer, input, .. } = self.pool;
        let rows = window(self.y, layer.kernel[0], layer.stride[0], layer.pads[0], input.height);
        for (index, y) in rows.enumerate() {
            let row = &self.input[input.row(self.block, y)];
            for (x, output) in self.output.iter_mut().enumerate() {
                let columns = &row[window(x, layer.kernel[1], layer.stride[1], layer.pads[1], input.width)];
                let mut largest = match index {
                    0 => simd.splat(f32::NEG_INFINITY),
                    _ => E::load(simd, output),
                };
                // The usual window, unrolled.
                if let [a, b, c] = columns {
                    largest =
                        simd.max(simd.max(E::load(simd, a), E::load(simd, b)), simd.max(E::load(simd, c), largest));
                } else {
                    for pixel in columns {
                        largest = simd.max(largest, E::load(simd, pixel));
                    }
                }
                E::store(simd, largest, output);
            }
        }
    }
}

use super::Rows;
use crate::element::Element;
use crate::map::Map;
use crate::memory::Input;
use crate::simd::{Lanes, Simd};
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

impl Rows for MaxPool2d {
    fn output(&self) -> &Map {
        &self.output
    }

    #[inline(always)]
    fn row<E: Element, S: Simd>(&self, simd: S, (block, y): (usize, usize), input: Input<E>, output: &mut [Lanes<E>]) {
        let (layer, map) = (&self.layer, &self.input);
        let rows = window(y, layer.kernel[0], layer.stride[0], layer.pads[0], map.height);
        for (index, y) in rows.enumerate() {
            let row = &input.lanes()[map.row(block, y)];
            for (x, output) in output.iter_mut().enumerate() {
                let columns = &row[window(x, layer.kernel[1], layer.stride[1], layer.pads[1], map.width)];
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

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
        let (layer, map, input) = (&self.layer, &self.input, input.lanes());
        let rows = window(y, layer.kernel[0], layer.stride[0], layer.pads[0], map.height);
        let first = map.row(block, rows.start).start;
        for (x, output) in output.iter_mut().enumerate() {
            let columns = window(x, layer.kernel[1], layer.stride[1], layer.pads[1], map.width);
            let mut largest = simd.splat(f32::NEG_INFINITY);
            for row in 0..rows.len() {
                let pixels = &input[first + row * map.row_pixels()..][columns.clone()];
                // The usual window, unrolled.
                if let [a, b, c] = pixels {
                    let [a, b, c] = [a, b, c].map(|pixel| E::load(simd, pixel));
                    largest = simd.max(simd.max(a, b), simd.max(c, largest));
                } else {
                    for pixel in pixels {
                        largest = simd.max(largest, E::load(simd, pixel));
                    }
                }
            }
            E::store(simd, largest, output);
        }
    }
}

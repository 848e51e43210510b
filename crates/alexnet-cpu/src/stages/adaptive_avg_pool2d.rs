use super::Rows;
use crate::element::Element;
use crate::map::Map;
use crate::memory::Input;
use crate::simd::{Lanes, Simd};
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

impl Rows for AdaptiveAvgPool2d {
    fn output(&self) -> &Map {
        &self.output
    }

    #[inline(always)]
    fn row<E: Element, S: Simd>(&self, simd: S, (block, y): (usize, usize), input: Input<E>, output: &mut [Lanes<E>]) {
        let input = input.lanes();
        let range = spec::AdaptiveAvgPool2d::range;
        let rows = range(y, self.output.height, self.input.height);
        for (x, to) in output.iter_mut().enumerate() {
            let columns = range(x, self.output.width, self.input.width);
            let mut sum = simd.splat(0.0);
            for y in rows.clone() {
                for pixel in &input[self.input.row(block, y)][columns.clone()] {
                    sum = simd.add(sum, E::load(simd, pixel));
                }
            }
            E::store(simd, simd.div(sum, simd.splat((rows.len() * columns.len()) as f32)), to);
        }
    }
}

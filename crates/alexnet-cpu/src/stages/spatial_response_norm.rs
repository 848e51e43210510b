use super::{Rows, power::Power};
use crate::element::Element;
use crate::map::Map;
use crate::memory::Input;
use crate::simd::{Lanes, Simd};
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

impl Rows for SpatialResponseNorm {
    fn output(&self) -> &Map {
        &self.output
    }

    #[inline(always)]
    fn row<E: Element, S: Simd>(&self, simd: S, (block, y): (usize, usize), input: Input<E>, output: &mut [Lanes<E>]) {
        let (input, map) = (input.lanes(), &self.input);
        let (k, alpha) = (simd.splat(self.k), simd.splat(self.alpha));
        // The sum of each column's squares over the window's rows.
        let mut columns = vec![Lanes::default(); map.width];
        for y in self.window(y, map.height) {
            for (sum, x) in columns.iter_mut().zip(&input[map.row(block, y)]) {
                let x = E::load(simd, x);
                simd.store(simd.mul_add(x, x, simd.load(sum)), sum);
            }
        }
        for (x, (output, own)) in output.iter_mut().zip(&input[map.row(block, y)]).enumerate() {
            let mut sum = simd.splat(0.0);
            for column in &columns[self.window(x, map.width)] {
                sum = simd.add(sum, simd.load(column));
            }
            E::store(simd, self.power.divide(simd, E::load(simd, own), simd.mul_add(sum, alpha, k)), output);
        }
    }
}

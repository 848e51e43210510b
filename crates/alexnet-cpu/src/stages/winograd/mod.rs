//! Convolutions with fewer multiplications, for several images at once.
//!
//! Winograd's algorithm computes a tile of outputs (5 x 5 of a kernel of three, 3 x 3 of one of five) from 7 x 7 products,
//! where the sum takes 225: both are brought to 49 points, multiplied there, channel by channel, and the sums are brought
//! back. At each point that is a product of matrices, of tiles and output channels, which the register tile computes. Weights
//! at the points take 49 / 9 or 49 / 25 of their memory; the tiles of several images share their way through the caches.

mod matrices;
mod pass;
mod transform;
mod weights;

use crate::element::Element;
use crate::map::Map;
use crate::memory::Buffer;
use crate::simd::{Isa, LANES, Lanes};
use crate::team::Step;
use alexnet_spec::layers as spec;
use matrices::POINTS;
use pass::Pass;
use transform::AREA;

/// How many multiplications a core does in the time of a byte's way from memory, about.
const BYTE: usize = 3;

/// Vectors of a core's own cache, about.
const SHARE: usize = (1 << 20) / size_of::<Lanes>();

/// A convolution with its bias and, where one follows, its ReLU: in `f32`, whatever the elements are.
///
/// NaN and infinity reach all outputs of a tile, where the sum would keep them to those that their pixel belongs to.
#[derive(Debug)]
pub(crate) struct Winograd {
    /// Height and width of a tile's outputs.
    side: usize,
    units: Vec<Unit>,
    /// For each point, for each block of output channels, a vector for each input channel of the group.
    weights: Vec<Lanes>,
    /// For each block of output channels.
    bias: Vec<Lanes>,
    /// Input channels of a group.
    inputs: usize,
    relu: bool,
    input: Map,
    output: Map,
}

/// One or two blocks of output channels of one group.
#[derive(Debug)]
struct Unit {
    block: usize,
    blocks: usize,
    group: usize,
}

/// The points' side of a layer: tiles in, sums out.
pub(crate) struct Scratch {
    tiles: Buffer,
    sums: Buffer,
}

impl Default for Scratch {
    fn default() -> Scratch {
        Scratch { tiles: Buffer::zeros(0), sums: Buffer::zeros(0) }
    }
}

impl Winograd {
    /// The convolution `layer` of `input`, whose border is the padding, to `output`, with `weights` `[out, in / groups,
    /// height, width]`. None for other kernels, and where groups don't end where blocks of channels do.
    pub(crate) fn new<E: Element>(
        layer: &spec::Conv2d,
        input: Map,
        output: Map,
        weights: &[E],
        bias: &[f32],
        relu: bool,
        isa: Isa,
    ) -> Option<Winograd> {
        let groups = layer.groups.max(1);
        let [inputs, outputs] = [input.channels / groups, layer.out / groups];
        let taps = layer.kernel[0];
        let known = layer.stride == [1, 1] && layer.kernel == [taps; 2] && matches!(taps, 3 | 5);
        if !known || groups > 1 && (inputs % LANES, outputs % LANES) != (0, 0) {
            return None;
        }
        let side = POINTS + 1 - taps;
        let per_group = outputs.div_ceil(LANES);
        let units = (0..groups).flat_map(|group| {
            let last = (group + 1) * per_group;
            let step = isa.tile().0;
            (group * per_group..last).step_by(step).map(move |block| Unit {
                block,
                blocks: step.min(last - block),
                group,
            })
        });
        let units = units.collect();
        let weights = weights::transform(taps, weights, inputs);
        Some(Winograd { side, units, weights, bias: output.lanes(bias), inputs, relu, input, output })
    }

    /// Whether this is faster than the sum for so many images: its weights, which few images share, come from memory.
    pub(crate) fn is_worth(&self, images: usize, threads: usize) -> bool {
        let [down, across] = self.tiles();
        let share = |multiplications: usize| multiplications * images / threads.max(1);
        // For each pair of channels; the transforms take a third of the products' time.
        let products = share(AREA * down * across * 4 / 3);
        let sum = share(self.output.height * self.output.width * self.taps().pow(2));
        products + AREA * size_of::<f32>() * BYTE < sum
    }

    fn taps(&self) -> usize {
        POINTS + 1 - self.side
    }

    /// Rows and columns of tiles.
    fn tiles(&self) -> [usize; 2] {
        [self.output.height.div_ceil(self.side), self.output.width.div_ceil(self.side)]
    }

    /// The fewest rows of tiles that should go from the input to the output together: the points' side is to stay in a cache,
    /// but be worth the weights' way and leave something for every thread.
    fn least(&self, threads: usize) -> usize {
        let row = AREA * (self.input.blocks() + self.output.blocks()) * self.tiles()[1];
        (self.weights.len() / row).max(threads * SHARE / row).max(1)
    }

    /// Makes `scratch` large enough for up to `images`.
    pub(crate) fn reserve(&self, scratch: &mut Scratch, images: usize, threads: usize) {
        let [tiles, sums] = pass::pitch(self, (images * self.tiles()[0]).min(2 * self.least(threads)));
        for (buffer, length) in [(&mut scratch.tiles, AREA * tiles), (&mut scratch.sums, AREA * sums)] {
            if buffer.len() < length {
                *buffer = Buffer::zeros(length);
            }
        }
    }

    /// The steps in which `threads` compute the convolution, the stage `at` of `images`, for which there are the buffers of
    /// all stages.
    pub(crate) fn steps<'a, E: Element>(
        &'a self,
        (isa, threads): (Isa, usize),
        (name, at): (&'a str, usize),
        images: &'a [Vec<Buffer<E>>],
        scratch: &'a Scratch,
    ) -> Vec<Step<'a>> {
        let all = images.len() * self.tiles()[0];
        // Equal parts, of less than twice the least.
        let rows = all.div_ceil((all / self.least(threads)).max(1));
        let starts = (0..all).step_by(rows);
        let passes = starts.map(|first| Pass::new(self, isa, images, at, scratch, first..all.min(first + rows)));
        passes.flat_map(|pass| pass.steps(name, threads)).collect()
    }
}

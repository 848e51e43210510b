use super::{Stage, power::Power};
use crate::element::Element;
use crate::map::Map;
use crate::memory::{Buffer, Input};
use crate::simd::{Isa, Kernel, LANES, Lanes, Simd};
use alexnet_spec::layers as spec;

/// The norm across channels: one pass over the blocks, where the window of channels is a shift of lanes.
#[derive(Debug)]
pub(crate) struct LocalResponseNorm {
    /// Channels of the window before and after its own.
    before: usize,
    after: usize,
    /// Channels that are normalised together.
    in_group: usize,
    alpha: f32,
    k: f32,
    power: Power,
    input: Map,
    output: Map,
}

impl LocalResponseNorm {
    pub(crate) fn new(layer: &spec::LocalResponseNorm, input: Map, output: Map) -> LocalResponseNorm {
        let (before, after) = layer.reach();
        LocalResponseNorm {
            before,
            after,
            in_group: input.channels / layer.groups.max(1),
            alpha: layer.effective_alpha() as f32,
            k: layer.k as f32,
            power: Power::of_beta(layer.beta),
            input,
            output,
        }
    }

    /// Whether a window stays within a block and its neighbours, and groups end where blocks end.
    fn fits_blocks(&self) -> bool {
        let aligned = self.in_group == self.input.channels || self.in_group.is_multiple_of(LANES);
        aligned && self.before <= LANES && self.after <= LANES
    }
}

/// An item is a row of a block.
impl<E: Element> Stage<E> for LocalResponseNorm {
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
    norm: &'a LocalResponseNorm,
    block: usize,
    y: usize,
    input: &'a [Lanes<E>],
    output: &'a mut [Lanes<E>],
}

impl<E: Element> Kernel for Row<'_, E> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        match (self.norm.fits_blocks(), self.norm.before, self.norm.after) {
            // The usual window, unrolled.
            (true, 2, 2) => self.shifted(simd, 2, 2),
            (true, before, after) => self.shifted(simd, before, after),
            (false, ..) => self.gathered(simd),
        }
    }
}

impl<E: Element> Row<'_, E> {
    /// Windows within a block and its neighbours.
    #[inline(always)]
    fn shifted<S: Simd>(self, simd: S, before: usize, after: usize) {
        let norm = self.norm;
        let blocks_in_group = norm.in_group.div_ceil(LANES);
        let first = self.block / blocks_in_group * blocks_in_group;
        let row = |block| &self.input[norm.input.row(block, self.y)];
        let own = row(self.block);
        let previous = (self.block > first).then(|| row(self.block - 1));
        let next = (self.block + 1 < first + blocks_in_group).then(|| row(self.block + 1));
        for (x, output) in self.output.iter_mut().enumerate() {
            let own = E::load(simd, &own[x]);
            let middle = simd.mul(own, own);
            let previous = squares(simd, previous, x);
            let next = squares(simd, next, x);
            let mut sum = middle;
            for shift in 1..=before {
                sum = simd.add(sum, simd.window(previous, middle, LANES - shift));
            }
            for shift in 1..=after {
                sum = simd.add(sum, simd.window(middle, next, shift));
            }
            norm.normalise(simd, own, sum, output);
        }
    }

    /// Any windows, channel by channel.
    #[inline(always)]
    fn gathered<S: Simd>(self, simd: S) {
        let row = &self.input[self.norm.input.row(self.block, self.y)];
        for (x, (output, own)) in self.output.iter_mut().zip(row).enumerate() {
            let sums = self.norm.sums(self.input, (self.block, self.y), x);
            self.norm.normalise(simd, E::load(simd, own), simd.load(&sums), output);
        }
    }
}

/// The squares of pixel `x` of a neighbouring block, if there is one.
#[inline(always)]
fn squares<S: Simd, E: Element>(simd: S, row: Option<&[Lanes<E>]>, x: usize) -> S::V {
    match row {
        Some(row) => {
            let x = E::load(simd, &row[x]);
            simd.mul(x, x)
        }
        None => simd.splat(0.0),
    }
}

impl LocalResponseNorm {
    #[inline(always)]
    fn normalise<S: Simd, E: Element>(&self, simd: S, x: S::V, sum: S::V, output: &mut Lanes<E>) {
        let base = simd.mul_add(sum, simd.splat(self.alpha), simd.splat(self.k));
        E::store(simd, self.power.divide(simd, x, base), output);
    }

    /// The sums of squares at pixel `x`, channel by channel: for windows wider than a block, and groups that end within one.
    fn sums<E: Element>(&self, input: &[Lanes<E>], (block, y): (usize, usize), x: usize) -> Lanes {
        let value = |channel: usize| {
            let pixel = self.input.row(channel / LANES, y).start + x;
            input[pixel].0[channel % LANES].to_f32()
        };
        let mut sums = Lanes::default();
        for (lane, sum) in sums.0.iter_mut().enumerate() {
            let channel = block * LANES + lane;
            if channel >= self.input.channels {
                continue;
            }
            let group = channel / self.in_group * self.in_group;
            let start = channel.saturating_sub(self.before).max(group);
            let end = (channel + self.after + 1).min(group + self.in_group);
            *sum = (start..end).map(|channel| value(channel) * value(channel)).sum();
        }
        sums
    }
}

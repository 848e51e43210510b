use super::{Rows, power::Power};
use crate::element::Element;
use crate::map::Map;
use crate::memory::Input;
use crate::simd::{LANES, Lanes, Simd};
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

impl Rows for LocalResponseNorm {
    fn output(&self) -> &Map {
        &self.output
    }

    #[inline(always)]
    fn row<E: Element, S: Simd>(&self, simd: S, (block, y): (usize, usize), input: Input<E>, output: &mut [Lanes<E>]) {
        let input = input.lanes();
        match (self.fits_blocks(), self.before, self.after) {
            // The usual window, unrolled.
            (true, 2, 2) => self.shifted(simd, (block, y), (2, 2), input, output),
            (true, before, after) => self.shifted(simd, (block, y), (before, after), input, output),
            (false, ..) => self.gathered(simd, (block, y), input, output),
        }
    }
}

/// The squares of pixel `x` of a neighbouring block, if there is one.
#[inline(always)]
fn squares<E: Element, S: Simd>(simd: S, row: Option<&[Lanes<E>]>, x: usize) -> S::V {
    match row {
        Some(row) => {
            let x = E::load(simd, &row[x]);
            simd.mul(x, x)
        }
        None => simd.splat(0.0),
    }
}

impl LocalResponseNorm {
    /// Windows within a block and its neighbours.
    #[inline(always)]
    fn shifted<E: Element, S: Simd>(
        &self,
        simd: S,
        (block, y): (usize, usize),
        (before, after): (usize, usize),
        input: &[Lanes<E>],
        output: &mut [Lanes<E>],
    ) {
        let blocks_in_group = self.in_group.div_ceil(LANES);
        let first = block / blocks_in_group * blocks_in_group;
        let row = |block| &input[self.input.row(block, y)];
        let own = row(block);
        let previous = (block > first).then(|| row(block - 1));
        let next = (block + 1 < first + blocks_in_group).then(|| row(block + 1));
        for (x, output) in output.iter_mut().enumerate() {
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
            self.normalise(simd, own, sum, output);
        }
    }

    /// Any windows, channel by channel.
    #[inline(always)]
    fn gathered<E: Element, S: Simd>(
        &self,
        simd: S,
        (block, y): (usize, usize),
        input: &[Lanes<E>],
        output: &mut [Lanes<E>],
    ) {
        for (x, (output, own)) in output.iter_mut().zip(&input[self.input.row(block, y)]).enumerate() {
            let sums = self.sums(input, (block, y), x);
            self.normalise(simd, E::load(simd, own), simd.load(&sums), output);
        }
    }

    #[inline(always)]
    fn normalise<E: Element, S: Simd>(&self, simd: S, x: S::V, sum: S::V, output: &mut Lanes<E>) {
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

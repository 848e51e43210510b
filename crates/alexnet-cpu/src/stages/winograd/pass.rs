use super::transform::{AREA, Back, Forward};
use super::{Scratch, Winograd};
use crate::element::Element;
use crate::memory::Buffer;
use crate::simd::{Isa, LANES, Lanes, values};
use crate::team::Step;
use crate::tile::{Product, Runs, Start};
use std::ops::Range;

/// Some rows of tiles, from the input to the output.
///
/// On the points' side lies point by point, block by block of channels, a vector for each tile.
#[derive(Clone, Copy)]
pub(super) struct Pass<'a, E: Element> {
    layer: &'a Winograd,
    isa: Isa,
    /// For each image the buffers of all stages, and which stage's this is.
    images: &'a [Vec<Buffer<E>>],
    at: usize,
    scratch: &'a Scratch,
    /// The first row of tiles, counted over all images, and how many there are.
    first: usize,
    rows: usize,
    /// Tiles of all rows.
    tiles: usize,
    /// From a point's vectors to the next one's, of tiles and of sums.
    pitch: [usize; 2],
}

/// The vectors of a point for `rows` of tiles, of tiles and of sums.
pub(super) fn pitch(layer: &Winograd, rows: usize) -> [usize; 2] {
    let tiles = rows * layer.tiles()[1];
    // Odd, or the vectors of a tile at all points would share a few sets of a cache.
    [layer.input.blocks(), layer.output.blocks()].map(|blocks| (blocks * tiles) | 1)
}

impl<'a, E: Element> Pass<'a, E> {
    pub(super) fn new(
        layer: &'a Winograd,
        isa: Isa,
        images: &'a [Vec<Buffer<E>>],
        at: usize,
        scratch: &'a Scratch,
        rows: Range<usize>,
    ) -> Pass<'a, E> {
        let tiles = rows.len() * layer.tiles()[1];
        let pitch = pitch(layer, rows.len());
        Pass { layer, isa, images, at, scratch, first: rows.start, rows: rows.len(), tiles, pitch }
    }

    pub(super) fn steps(self, name: &'a str, threads: usize) -> [Step<'a>; 3] {
        let runs = self.runs();
        let [inputs, outputs] = [self.layer.input.blocks(), self.layer.output.blocks()];
        [
            Step::shared(name, inputs * self.rows, threads, move |_, item| self.forward(item)),
            Step::shared(name, AREA * self.layer.units.len(), threads, move |_, item| self.multiply(item, &runs)),
            Step::shared(name, outputs * self.rows, threads, move |_, item| match self.layer.side {
                3 => self.back::<3>(item),
                _ => self.back::<5>(item),
            }),
        ]
    }

    /// The image, the block and the row of item `item` of a transform, and its tiles among a point's vectors.
    fn row(&self, item: usize) -> ([usize; 3], Range<usize>) {
        let [down, across] = self.layer.tiles();
        let (block, row) = (item / self.rows, item % self.rows);
        let start = block * self.tiles + row * across;
        ([(self.first + row) / down, block, (self.first + row) % down], start..start + across)
    }

    /// Brings a row of tiles of a block of channels to the points.
    fn forward(&self, item: usize) {
        let ([image, block, y], tiles) = self.row(item);
        self.isa.run(Forward {
            // SAFETY: the stage before, which wrote this buffer, is done.
            input: unsafe { self.images[image][self.at - 1].read() },
            map: self.layer.input,
            block,
            y: y * self.layer.side,
            step: self.layer.side,
            output: std::array::from_fn(|point| {
                let at = point * self.pitch[0];
                // SAFETY: points don't overlap, and each item has its own block and row.
                unsafe { self.scratch.tiles.part(at + tiles.start..at + tiles.end) }
            }),
        });
    }

    /// Where the channels of a tile lie at a point.
    fn runs(&self) -> Runs {
        let mut runs = Runs::default();
        for first in (0..self.layer.inputs).step_by(LANES) {
            runs.push(first * self.tiles, LANES.min(self.layer.inputs - first));
        }
        runs
    }

    /// Multiplies all tiles at a point with the weights of a unit.
    fn multiply(&self, item: usize, runs: &Runs) {
        let layer = self.layer;
        let (point, unit) = (item / layer.units.len(), &layer.units[item % layer.units.len()]);
        // SAFETY: the step that wrote the tiles is done.
        let input = values(unsafe { self.scratch.tiles.read() });
        let at = (point * self.pitch[0] + unit.group * layer.inputs / LANES * self.tiles) * LANES;
        let weights = |block| {
            let start = (point * layer.output.blocks() + unit.block + block) * layer.inputs;
            &layer.weights[start..start + layer.inputs]
        };
        let sums = |block| {
            let start = point * self.pitch[1] + (unit.block + block) * self.tiles;
            // SAFETY: neither points nor blocks overlap, and each item has its own.
            unsafe { self.scratch.sums.part(start..start + self.tiles) }
        };
        let zeros = [Lanes::default(); 2];
        let (step, relu, streamed) = (LANES, false, false);
        if unit.blocks == 2 {
            let (start, weights, output) = (Start::Lanes(&zeros), [weights(0), weights(1)], [sums(0), sums(1)]);
            self.isa.run(Product { input, at, step, runs, weights, start, relu, streamed, output });
        } else {
            let (start, weights, output) = (Start::Lanes(&zeros[..1]), [weights(0)], [sums(0)]);
            self.isa.run(Product { input, at, step, runs, weights, start, relu, streamed, output });
        }
    }

    /// Brings a row of tiles of a block of channels back.
    fn back<const OUT: usize>(&self, item: usize) {
        let ([image, block, y], tiles) = self.row(item);
        let (layer, output) = (self.layer, &self.images[image][self.at]);
        // SAFETY: the step that wrote the sums is done.
        let sums = unsafe { self.scratch.sums.read() };
        self.isa.run(Back::<E, OUT> {
            input: std::array::from_fn(|point| {
                let at = point * self.pitch[1];
                &sums[at + tiles.start..at + tiles.end]
            }),
            bias: &layer.bias[block],
            relu: layer.relu,
            lanes: LANES.min(layer.output.channels - block * LANES),
            output: std::array::from_fn(|line| {
                let y = y * OUT + line;
                // SAFETY: each item has its own image, block and rows.
                (y < layer.output.height).then(|| unsafe { output.part(layer.output.row(block, y)) })
            }),
        });
    }
}

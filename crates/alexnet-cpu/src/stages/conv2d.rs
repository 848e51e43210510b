use super::Stage;
use crate::element::Element;
use crate::map::Map;
use crate::memory::{Buffer, Input, prefer_huge_pages};
use crate::simd::{Isa, LANES, Lanes};
use crate::tile::{Product, Runs, Start};
use alexnet_spec::layers as spec;
use std::ops::Range;

/// A convolution with its bias and, where one follows, its ReLU: direct, without a copy of the input.
///
/// The register tile goes along an output row. Weights are packed once, in the order in which the rows of the product are
/// read, so that both stream.
#[derive(Debug)]
pub(crate) struct Conv2d<E: Element> {
    units: Vec<Unit>,
    /// For each group.
    runs: Vec<Runs>,
    weights: Vec<Lanes<E::Group>>,
    /// For each block of output channels.
    bias: Vec<Lanes>,
    /// Scalars from an output row to the next, and from an output pixel to the next, in the input.
    steps: [usize; 2],
    relu: bool,
    output: Map,
}

/// One or two blocks of output channels.
#[derive(Debug)]
struct Unit {
    block: usize,
    blocks: usize,
    parts: Vec<Part>,
}

/// The channels of a unit that belong to one group.
#[derive(Debug)]
struct Part {
    group: usize,
    lanes: Range<usize>,
    /// Where the packed weights of the first block start.
    weights: usize,
}

/// How the input lies in memory.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Source {
    /// Channel by channel, padding included: images.
    Planar { channels: usize, height: usize, width: usize },
    /// In blocks of channels, with the padding as its border.
    Blocked(Map),
}

/// An input scalar that a convolution reads: channel within its group, and position in the kernel.
type Tap = [usize; 3];

impl Source {
    fn channels(self) -> usize {
        match self {
            Source::Planar { channels, .. } => channels,
            Source::Blocked(map) => map.channels,
        }
    }

    /// Scalars from a pixel to the one below it and the one to its right.
    fn steps(self) -> [usize; 2] {
        match self {
            Source::Planar { width, .. } => [width, 1],
            Source::Blocked(map) => [map.row_pixels() * LANES, LANES],
        }
    }

    /// What an output pixel reads of the channels `channels`, and which tap each scalar is.
    fn taps(self, channels: Range<usize>, [kernel_height, kernel_width]: [usize; 2]) -> (Runs, Vec<Tap>) {
        let mut runs = Runs::default();
        let mut taps = Vec::new();
        let [down, right] = self.steps();
        let mut read = |at: usize, channels: Range<usize>, y: usize, columns: Range<usize>, first: usize| {
            runs.push(at, channels.len() * columns.len());
            for x in columns {
                taps.extend(channels.clone().map(|channel| [channel - first, y, x]));
            }
        };
        match self {
            Source::Planar { height, width, .. } => {
                for channel in channels.clone() {
                    for y in 0..kernel_height {
                        let at = channel * height * width + y * down;
                        read(at, channel..channel + 1, y, 0..kernel_width, channels.start);
                    }
                }
            }
            Source::Blocked(map) => {
                for block in channels.start / LANES..channels.end.div_ceil(LANES) {
                    let start = channels.start.max(block * LANES);
                    let end = channels.end.min((block + 1) * LANES);
                    for y in 0..kernel_height {
                        let at = block * map.block_pixels() * LANES + y * down + start % LANES;
                        if end - start == LANES {
                            read(at, start..end, y, 0..kernel_width, channels.start);
                            continue;
                        }
                        for x in 0..kernel_width {
                            read(at + x * right, start..end, y, x..x + 1, channels.start);
                        }
                    }
                }
            }
        }
        (runs, taps)
    }
}

impl<E: Element> Conv2d<E> {
    /// The convolution `layer` of `source` to `output`, with `weights` `[out, in / groups, height, width]`.
    pub(crate) fn new(
        layer: &spec::Conv2d,
        source: Source,
        output: Map,
        weights: &[E],
        bias: &[f32],
        relu: bool,
        isa: Isa,
    ) -> Conv2d<E> {
        let groups = layer.groups.max(1);
        let [inputs, outputs] = [source.channels() / groups, layer.out / groups];
        let per_output = inputs * layer.kernel[0] * layer.kernel[1];
        let (runs, taps): (Vec<_>, Vec<_>) =
            (0..groups).map(|group| source.taps(group * inputs..(group + 1) * inputs, layer.kernel)).unzip();

        // No room behind the last vector: what is read there is seen by AddressSanitizer.
        let blocks = |group: usize| ((group + 1) * outputs).div_ceil(LANES) - group * outputs / LANES;
        let vectors = runs.iter().enumerate().map(|(group, runs)| blocks(group) * runs.vectors::<E>()).sum();
        let mut packed = Vec::with_capacity(vectors);
        prefer_huge_pages(packed.spare_capacity_mut());
        let mut units: Vec<Unit> = Vec::new();
        for block in 0..output.blocks() {
            let channels = block * LANES..((block + 1) * LANES).min(layer.out);
            let mut parts = Vec::new();
            let first = channels.start / outputs;
            for (group, taps) in taps.iter().enumerate().skip(first).take((channels.end - 1) / outputs - first + 1) {
                let start = channels.start.max(group * outputs);
                let end = channels.end.min((group + 1) * outputs);
                let lanes = start % LANES..start % LANES + (end - start);
                parts.push(Part { group, lanes: lanes.clone(), weights: packed.len() });
                let mut taps = &taps[..];
                for length in runs[group].lengths() {
                    let (run, rest) = taps.split_at(length);
                    taps = rest;
                    packed.extend(run.chunks(E::GROUP).map(|taps| {
                        let mut vector = Lanes::default();
                        for lane in lanes.clone() {
                            let weights = &weights[(block * LANES + lane) * per_output..][..per_output];
                            let mut group = [E::default(); 2];
                            for (to, [channel, y, x]) in group.iter_mut().zip(taps) {
                                *to = weights[(channel * layer.kernel[0] + y) * layer.kernel[1] + x];
                            }
                            vector.0[lane] = E::group(&group);
                        }
                        vector
                    }));
                }
            }
            match units.last_mut() {
                Some(unit) if unit.blocks < isa.tile().0 && unit.is_whole() && goes_on(unit, &parts) => {
                    unit.blocks += 1
                }
                _ => units.push(Unit { block, blocks: 1, parts }),
            }
        }
        debug_assert_eq!(packed.len(), vectors);
        let [down, right] = source.steps();
        let steps = [down * layer.stride[0], right * layer.stride[1]];
        Conv2d { units, runs, weights: packed, bias: output.lanes(bias), steps, relu, output }
    }

    /// Row `y` of the blocks of `unit`.
    fn product<const BLOCKS: usize>(
        &self,
        isa: Isa,
        (unit, part): (&Unit, &Part),
        y: usize,
        input: &[E],
        output: [&mut [Lanes<E>]; BLOCKS],
    ) {
        let runs = &self.runs[part.group];
        let vectors = runs.vectors::<E>();
        let weights = |block| {
            let start = part.weights + block * vectors;
            &self.weights[start..start + vectors]
        };
        let product = Product {
            input,
            at: y * self.steps[0],
            step: self.steps[1],
            runs,
            weights: std::array::from_fn(weights),
            start: Start::Lanes(&self.bias[unit.block..unit.block + BLOCKS]),
            relu: self.relu,
            streamed: false,
            output,
        };
        E::multiply(isa, product);
    }
}

impl Unit {
    /// Whether all lanes are one group's.
    fn is_whole(&self) -> bool {
        matches!(&self.parts[..], [part] if part.lanes == (0..LANES))
    }
}

/// Whether a block of `parts` continues `unit`: whole, and of the same group.
fn goes_on(unit: &Unit, parts: &[Part]) -> bool {
    matches!(parts, [part] if part.lanes == (0..LANES) && part.group == unit.parts[0].group)
}

impl<E: Element> Stage<E> for Conv2d<E> {
    fn items(&self) -> usize {
        self.units.len() * self.output.height
    }

    fn length(&self) -> usize {
        self.output.pixels()
    }

    unsafe fn run(&self, isa: Isa, item: usize, input: Input<E>, output: &Buffer<E>) {
        let (unit, y) = (&self.units[item / self.output.height], item % self.output.height);
        // SAFETY: each item has its own unit and row, so these rows are written by this call alone.
        let row = |block| unsafe { output.part(self.output.row(unit.block + block, y)) };
        let input = input.values();
        match &unit.parts[..] {
            [part] if unit.blocks == 2 => self.product(isa, (unit, part), y, input, [row(0), row(1)]),
            [part] if unit.is_whole() => self.product(isa, (unit, part), y, input, [row(0)]),
            parts => {
                // Lanes of other groups, and those that fill up the block, are not this part's to write.
                let mut sums = vec![Lanes::default(); self.output.width];
                let row = row(0);
                for part in parts {
                    self.product(isa, (unit, part), y, input, [&mut sums]);
                    for (to, from) in row.iter_mut().zip(&sums) {
                        to.0[part.lanes.clone()].copy_from_slice(&from.0[part.lanes.clone()]);
                    }
                }
            }
        }
    }
}

use super::Weights;
use crate::element::Element;
use crate::memory::Buffer;
use crate::simd::{Isa, Kernel, LANES, Lanes, Simd, values};
use crate::team::Step;
use crate::tile::{Product, Runs, Start};

/// The images of a block: a vector's lanes.
pub(super) const IMAGES: usize = LANES;

/// Rows of the matrix in an item: whole groups.
const ROWS: usize = 28;

/// Columns of the matrix that are multiplied at once: with 32 images' features for them, what stays in a core's cache.
const COLUMNS: usize = 2304;

/// Brings features from image by image into blocks of images. An item is sixteen groups of features of a block.
pub(super) fn pack<'a, E: Element>(
    images: usize,
    count: usize,
    from: &'a Buffer<E::Group>,
    to: &'a Buffer<E::Group>,
    threads: usize,
) -> Step<'a> {
    let groups = count.div_ceil(E::GROUP);
    let pieces = groups.div_ceil(LANES);
    Step::shared("flatten", images.div_ceil(IMAGES) * pieces, threads, move |_, item| {
        let (block, piece) = (item / pieces, item % pieces);
        let own = piece * LANES..groups.min((piece + 1) * LANES);
        // SAFETY: the buffer was written by earlier steps, which are done.
        let from = E::flat(values(unsafe { from.read() }));
        // SAFETY: each item has its own block and features.
        let to = unsafe { to.part(block * groups + own.start..block * groups + own.end) };
        let stride = count.next_multiple_of(LANES * E::GROUP);
        for (to, group) in to.iter_mut().zip(own) {
            let features = group * E::GROUP..count.min((group + 1) * E::GROUP);
            let mut lanes = Lanes::default();
            for (lane, image) in lanes.0.iter_mut().zip(block * IMAGES..images) {
                *lane = E::group(&from[image * stride..][features.clone()]);
            }
            *to = lanes;
        }
    })
}

/// `x W^T + b` for blocks of images. An item is some rows of the matrix.
pub(super) fn linear<'a, E: Element>(
    name: &'a str,
    (weights, inputs, bias): (Weights<'a, E>, usize, &'a [f32]),
    relu: bool,
    images: usize,
    (isa, threads): (Isa, usize),
    (from, to): (&'a Buffer<E::Group>, &'a Buffer<E::Group>),
) -> Step<'a> {
    let blocks = images.div_ceil(IMAGES);
    let outputs = bias.len();
    let [groups_in, groups_out] = [inputs, outputs].map(|count| count.div_ceil(E::GROUP));
    Step::shared(name, outputs.div_ceil(ROWS), threads, move |_, item| {
        let rows = item * ROWS..outputs.min((item + 1) * ROWS);
        // SAFETY: the buffer was written by earlier steps, which are done.
        let x = unsafe { from.read() };
        let mut sums = vec![Lanes::default(); blocks * rows.len()];
        let mut panel = Vec::new();
        let parts = inputs.div_ceil(COLUMNS).max(1);
        for part in 0..parts {
            let groups = groups_in * part / parts..groups_in * (part + 1) / parts;
            let columns = groups.start * E::GROUP..inputs.min(groups.end * E::GROUP);
            let runs = &Runs::one(columns.len());
            let (input, at, step) = match weights {
                Weights::Given(matrix) => (matrix, rows.start * inputs + columns.start, inputs),
                Weights::Int8(matrix) => {
                    // A line more than there are columns, so that rows don't meet in the same lines of the cache.
                    let step = columns.len() + LANES * E::GROUP;
                    panel.resize(rows.len() * step, E::default());
                    matrix.panel(isa, rows.clone(), columns.clone(), step, &mut panel);
                    (&panel[..], 0, step)
                }
            };
            let start = match (part, weights) {
                (0, Weights::Given(_)) => Start::Rows(&bias[rows.clone()]),
                _ => Start::Output,
            };
            let relu = relu && part + 1 == parts && matches!(weights, Weights::Given(_));
            let x = |block: usize| &x[block * groups_in..][groups.clone()];
            let width = isa.tile().0;
            for (index, sums) in sums.chunks_mut(width * rows.len()).enumerate() {
                let (block, streamed) = (index * width, index == 0);
                if sums.len() == 2 * rows.len() {
                    let (weights, output) = ([x(block), x(block + 1)], sums.split_at_mut(rows.len()));
                    let output = [output.0, output.1];
                    E::multiply(isa, Product { input, at, step, runs, weights, start, relu, streamed, output });
                } else {
                    let (weights, output) = ([x(block)], [sums]);
                    E::multiply(isa, Product { input, at, step, runs, weights, start, relu, streamed, output });
                }
            }
        }
        if let Weights::Int8(matrix) = weights {
            let factors = rows.clone().map(|row| (matrix.scales[row], bias[row])).cycle();
            for (sums, (scale, bias)) in sums.iter_mut().zip(factors) {
                sums.0.iter_mut().for_each(|sum| *sum = *sum * scale + bias);
                if relu {
                    sums.0.iter_mut().filter(|sum| **sum < 0.0).for_each(|sum| *sum = 0.0);
                }
            }
        }
        for (block, sums) in sums.chunks(rows.len()).enumerate() {
            let start = block * groups_out + rows.start / E::GROUP;
            // SAFETY: each item has its own rows, which are whole groups but for the last, and the blocks are written one
            // after the other.
            let to = unsafe { to.part(start..start + rows.len().div_ceil(E::GROUP)) };
            isa.run(Group::<E> { sums, to });
        }
    })
}

/// Rows of sums, rounded and brought into groups.
struct Group<'a, E: Element> {
    sums: &'a [Lanes],
    to: &'a mut [Lanes<E::Group>],
}

impl<E: Element> Kernel for Group<'_, E> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        for (rows, to) in self.sums.chunks(E::GROUP).zip(self.to) {
            E::store_groups(simd, rows, to);
        }
    }
}

use crate::memory::Buffer;
use crate::simd::{Isa, LANES, Lanes, values};
use crate::team::Step;
use crate::tile::{Product, Runs, Start};

/// The images of a block: a vector's lanes.
pub(super) const IMAGES: usize = LANES;

/// Rows of the matrix in an item.
const ROWS: usize = 28;

/// Columns of the matrix that are multiplied at once: with 32 images' features for them, what stays in a core's cache.
const COLUMNS: usize = 2304;

/// Brings features from image by image into blocks of images. An item is sixteen features of a block.
pub(super) fn pack<'a>(images: usize, count: usize, from: &'a Buffer, to: &'a Buffer, threads: usize) -> Step<'a> {
    let pieces = count.div_ceil(LANES);
    Step::shared("flatten", images.div_ceil(IMAGES) * pieces, threads, move |_, item| {
        let (block, piece) = (item / pieces, item % pieces);
        let features = piece * LANES..count.min((piece + 1) * LANES);
        // SAFETY: the buffer was written by earlier steps, which are done.
        let from = values(unsafe { from.read() });
        // SAFETY: each item has its own block and features.
        let to = unsafe { to.part(block * count + features.start..block * count + features.end) };
        let stride = count.next_multiple_of(LANES);
        for (to, feature) in to.iter_mut().zip(features) {
            let mut lanes = Lanes::default();
            for (lane, image) in lanes.0.iter_mut().zip(block * IMAGES..images) {
                *lane = from[image * stride + feature];
            }
            *to = lanes;
        }
    })
}

/// `x W^T + b` for blocks of images. An item is some rows of the matrix.
pub(super) fn linear<'a>(
    name: &'a str,
    (matrix, inputs, bias): (&'a [f32], usize, &'a [f32]),
    relu: bool,
    images: usize,
    (isa, threads): (Isa, usize),
    (from, to): (&'a Buffer, &'a Buffer),
) -> Step<'a> {
    let blocks = images.div_ceil(IMAGES);
    let outputs = bias.len();
    Step::shared(name, outputs.div_ceil(ROWS), threads, move |_, item| {
        let rows = item * ROWS..outputs.min((item + 1) * ROWS);
        // SAFETY: the buffer was written by earlier steps, which are done.
        let x = unsafe { from.read() };
        let parts = inputs.div_ceil(COLUMNS).max(1);
        for part in 0..parts {
            let columns = inputs * part / parts..inputs * (part + 1) / parts;
            let runs = Runs::one(columns.len());
            let start = if part == 0 { Start::Rows(&bias[rows.clone()]) } else { Start::Output };
            let x = |block: usize| &x[block * inputs + columns.start..block * inputs + columns.end];
            // SAFETY: each item has its own rows, and the blocks are written one after the other.
            let y = |block: usize| unsafe { to.part(block * outputs + rows.start..block * outputs + rows.end) };
            let at = rows.start * inputs + columns.start;
            let relu = relu && part + 1 == parts;
            let mut block = 0;
            while block < blocks {
                let (input, step, runs, streamed) = (matrix, inputs, &runs, block == 0);
                if isa.tile().0 == 2 && block + 1 < blocks {
                    let (weights, output) = ([x(block), x(block + 1)], [y(block), y(block + 1)]);
                    isa.run(Product { input, at, step, runs, weights, start, relu, streamed, output });
                    block += 2;
                } else {
                    let (weights, output) = ([x(block)], [y(block)]);
                    isa.run(Product { input, at, step, runs, weights, start, relu, streamed, output });
                    block += 1;
                }
            }
        }
    })
}

use super::{Weights, int8};
use crate::element::Element;
use crate::memory::Buffer;
use crate::simd::{Isa, Kernel, LANES, Lanes, Simd, values, values_mut};
use crate::team::Step;

/// Rows that are multiplied at once.
pub(super) const ROWS: usize = 4;

/// How many bytes ahead rows are asked for.
const AHEAD: usize = 1024;

/// The most rows in an item: as many as sixteen groups have elements.
const ITEM: usize = 2 * LANES;

/// `x W^T + b` for a few images, image by image. An item is sixteen groups of outputs: a vector of each image's.
pub(super) fn linear<'a, E: Element>(
    name: &'a str,
    (weights, inputs, bias): (Weights<'a, E>, usize, &'a [f32]),
    relu: bool,
    images: usize,
    (isa, threads): (Isa, usize),
    (from, to): (&'a Buffer<E::Group>, &'a Buffer<E::Group>),
) -> Step<'a> {
    let line = LANES * E::GROUP;
    let [x_stride, y_stride] = [inputs, bias.len()].map(|count| count.div_ceil(line));
    Step::shared(name, y_stride, threads, move |_, item| {
        let outputs = item * line..bias.len().min((item + 1) * line);
        // SAFETY: the buffer was written by earlier steps, which are done.
        let x = unsafe { from.read() };
        let mut sums = [[0.0; ITEM]; super::FEW];
        macro_rules! dots {
            ($matrix:ident, $($images:literal),*) => {
                match images {
                    $($images => E::multiply(isa, Dots::<E, $images> {
                        rows: &$matrix[outputs.start * inputs..outputs.end * inputs],
                        inputs,
                        x: std::array::from_fn(|image| &x[image * x_stride..(image + 1) * x_stride]),
                        sums: &mut sums,
                    }),)*
                    _ => {}
                }
            };
        }
        match weights {
            Weights::Given(matrix) => dots!(matrix, 1, 2, 3, 4),
            Weights::Int8(matrix) => {
                let rows = matrix.rows(outputs.clone());
                for (image, sums) in sums.iter_mut().enumerate().take(images) {
                    let x = &E::flat(values(&x[image * x_stride..(image + 1) * x_stride]))[..inputs];
                    isa.run(int8::Dots { rows, x, sums });
                    sums.iter_mut().zip(&matrix.scales[outputs.clone()]).for_each(|(sum, scale)| *sum *= scale);
                }
            }
        }
        for (image, sums) in sums.iter().enumerate().take(images) {
            let at = image * y_stride + item;
            // SAFETY: each item has its own outputs, so this vector of each image's is written by this call alone.
            let to = E::flat_mut(values_mut(unsafe { to.part(at..at + 1) }));
            for (to, (sum, bias)) in to.iter_mut().zip(sums.iter().zip(&bias[outputs.clone()])) {
                *to = super::activated(sum + bias, relu);
            }
        }
    })
}

/// The rows of an item times a few vectors.
struct Dots<'a, E: Element, const IMAGES: usize> {
    rows: &'a [E],
    inputs: usize,
    x: [&'a [Lanes<E::Group>]; IMAGES],
    sums: &'a mut [[f32; ITEM]; super::FEW],
}

impl<E: Element, const IMAGES: usize> Kernel for Dots<'_, E, IMAGES> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let mut rows = self.rows.chunks_exact(self.inputs.max(1) * ROWS);
        let mut at = 0;
        for rows in &mut rows {
            let sums = dots::<E, S, ROWS, IMAGES>(simd, rows, self.inputs, self.x);
            for (row, sums) in sums.iter().enumerate() {
                for (image, sum) in sums.iter().enumerate() {
                    self.sums[image][at + row] = *sum;
                }
            }
            at += ROWS;
        }
        for row in rows.remainder().chunks_exact(self.inputs.max(1)) {
            let [sums] = dots::<E, S, 1, IMAGES>(simd, row, self.inputs, self.x);
            for (image, sum) in sums.iter().enumerate() {
                self.sums[image][at] = *sum;
            }
            at += 1;
        }
    }
}

/// Two sums for each product hide the latency of one.
type Sums<V, const N: usize, const IMAGES: usize> = [[[V; 2]; IMAGES]; N];

/// Adds the products of pairs of vectors of `N` rows with those of each of `x`, and asks for what is `ahead` bytes further on.
#[inline(always)]
fn accumulate<E: Element, S: Simd, const N: usize, const IMAGES: usize>(
    simd: S,
    rows: [&[[[E::Group; LANES]; 2]]; N],
    x: [&[[Lanes<E::Group>; 2]]; IMAGES],
    ahead: usize,
    mut sums: Sums<S::V, N, IMAGES>,
) -> Sums<S::V, N, IMAGES> {
    let pairs = rows[0].len();
    // Of lengths that the compiler sees to be equal.
    let (rows, x) = (rows.map(|row| &row[..pairs]), x.map(|x| &x[..pairs]));
    for at in 0..pairs {
        for half in 0..2 {
            let x: [S::V; IMAGES] = std::array::from_fn(|image| E::load_groups(simd, &x[image][at][half]));
            for (sums, row) in sums.iter_mut().zip(&rows) {
                simd.prefetch(row[at][half].as_ptr().cast::<u8>().wrapping_add(ahead));
                let row = E::read_groups(simd, &row[at][half]);
                for (sums, x) in sums.iter_mut().zip(x) {
                    sums[half] = E::dot(simd, row, x, sums[half]);
                }
            }
        }
    }
    sums
}

/// The products of `N` rows of `inputs` values each with each of `x`.
#[inline(always)]
fn dots<E: Element, S: Simd, const N: usize, const IMAGES: usize>(
    simd: S,
    rows: &[E],
    inputs: usize,
    x: [&[Lanes<E::Group>]; IMAGES],
) -> [[f32; IMAGES]; N] {
    let vectors = inputs / (LANES * E::GROUP);
    let rows: [&[E]; N] = std::array::from_fn(|row| &rows[row * inputs..(row + 1) * inputs]);
    let whole: [&[[E::Group; LANES]]; N] = rows.map(|row| &E::groups(row).as_chunks().0[..vectors]);
    let (pairs, x_pairs) = (whole.map(|row| row.as_chunks().0), x.map(|x| x[..vectors].as_chunks().0));
    let mut sums = [[[simd.splat(0.0); 2]; IMAGES]; N];
    // What follows on a row is the one beside it, so the end of a row asks for the next group's.
    let turn = pairs[0].len().saturating_sub(AHEAD / size_of::<[Lanes<E::Group>; 2]>());
    let next = AHEAD + (N - 1) * size_of_val(rows[0]);
    sums = accumulate::<E, S, N, IMAGES>(simd, pairs.map(|row| &row[..turn]), x_pairs.map(|x| &x[..turn]), AHEAD, sums);
    sums = accumulate::<E, S, N, IMAGES>(simd, pairs.map(|row| &row[turn..]), x_pairs.map(|x| &x[turn..]), next, sums);
    if vectors % 2 == 1 {
        let at = vectors - 1;
        for (sums, row) in sums.iter_mut().zip(&whole) {
            let row = E::read_groups(simd, &row[at]);
            for (sums, x) in sums.iter_mut().zip(x) {
                sums[0] = E::dot(simd, row, E::load_groups(simd, &x[at]), sums[0]);
            }
        }
    }
    let mut dots = [[0.0; IMAGES]; N];
    for ((dots, sums), row) in dots.iter_mut().zip(&sums).zip(rows) {
        for ((dot, sums), x) in dots.iter_mut().zip(sums).zip(x) {
            let rest = &row[vectors * LANES * E::GROUP..];
            let x = E::flat(values(&x[vectors..]));
            let tail = rest.iter().zip(x).map(|(w, x)| w.to_f32() * x.to_f32()).sum::<f32>();
            *dot = simd.sum(simd.add(sums[0], sums[1])) + tail;
        }
    }
    dots
}

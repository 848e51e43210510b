use crate::memory::Buffer;
use crate::simd::{Isa, Kernel, LANES, Lanes, Simd};
use crate::team::Step;

/// Rows that are multiplied at once.
const ROWS: usize = 4;

/// `x W^T + b` for a few images, image by image. An item is sixteen outputs: a vector of each image's.
pub(super) fn linear<'a>(
    name: &'a str,
    (matrix, inputs, bias): (&'a [f32], usize, &'a [f32]),
    relu: bool,
    images: usize,
    (isa, threads): (Isa, usize),
    (from, to): (&'a Buffer, &'a Buffer),
) -> Step<'a> {
    let stride = bias.len().div_ceil(LANES);
    Step::shared(name, stride, threads, move |_, item| {
        let outputs = item * LANES..bias.len().min((item + 1) * LANES);
        // SAFETY: the buffer was written by earlier steps, which are done.
        let x = unsafe { from.read() };
        let x_stride = inputs.div_ceil(LANES);
        let mut sums = [Lanes::default(); super::FEW];
        macro_rules! dots {
            ($($images:literal),*) => {
                match images {
                    $($images => isa.run(Dots::<$images> {
                        rows: &matrix[outputs.start * inputs..outputs.end * inputs],
                        inputs,
                        x: std::array::from_fn(|image| &x[image * x_stride..(image + 1) * x_stride]),
                        sums: &mut sums,
                    }),)*
                    _ => {}
                }
            };
        }
        dots!(1, 2, 3, 4);
        for (image, sums) in sums.iter_mut().enumerate().take(images) {
            for (sum, bias) in sums.0.iter_mut().zip(&bias[outputs.clone()]) {
                *sum += bias;
                if relu && *sum < 0.0 {
                    *sum = 0.0;
                }
            }
            let at = image * stride + item;
            // SAFETY: each item has its own outputs, so this vector of each image's is written by this call alone.
            let to = unsafe { to.part(at..at + 1) };
            to.copy_from_slice(std::slice::from_ref(sums));
        }
    })
}

/// Up to sixteen rows of a matrix times a few vectors.
struct Dots<'a, const IMAGES: usize> {
    rows: &'a [f32],
    inputs: usize,
    x: [&'a [Lanes]; IMAGES],
    sums: &'a mut [Lanes; super::FEW],
}

impl<const IMAGES: usize> Kernel for Dots<'_, IMAGES> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let mut rows = self.rows.chunks_exact(self.inputs.max(1) * ROWS);
        let mut lane = 0;
        for rows in &mut rows {
            let sums = dots::<S, ROWS, IMAGES>(simd, rows, self.inputs, self.x);
            for (row, sums) in sums.iter().enumerate() {
                for (image, sum) in sums.iter().enumerate() {
                    self.sums[image].0[lane + row] = *sum;
                }
            }
            lane += ROWS;
        }
        for row in rows.remainder().chunks_exact(self.inputs.max(1)) {
            let [sums] = dots::<S, 1, IMAGES>(simd, row, self.inputs, self.x);
            for (image, sum) in sums.iter().enumerate() {
                self.sums[image].0[lane] = *sum;
            }
            lane += 1;
        }
    }
}

/// The products of `N` rows of `inputs` values each with each of `x`.
#[inline(always)]
fn dots<S: Simd, const N: usize, const IMAGES: usize>(
    simd: S,
    rows: &[f32],
    inputs: usize,
    x: [&[Lanes]; IMAGES],
) -> [[f32; IMAGES]; N] {
    let vectors = inputs / LANES;
    let rows: [&[f32]; N] = std::array::from_fn(|row| &rows[row * inputs..(row + 1) * inputs]);
    let whole: [&[[f32; LANES]]; N] = rows.map(|row| &row.as_chunks().0[..vectors]);
    let x_whole = x.map(|x| &x[..vectors]);
    // Two sums for each product hide the latency of one.
    let mut sums = [[[simd.splat(0.0); 2]; IMAGES]; N];
    let mut at = 0;
    while at + 1 < vectors {
        for half in 0..2 {
            let x: [S::V; IMAGES] = std::array::from_fn(|image| simd.load(&x_whole[image][at + half]));
            for (sums, row) in sums.iter_mut().zip(&whole) {
                let row = simd.read(&row[at + half]);
                for (sums, x) in sums.iter_mut().zip(x) {
                    sums[half] = simd.mul_add(row, x, sums[half]);
                }
            }
        }
        at += 2;
    }
    if at < vectors {
        for (sums, row) in sums.iter_mut().zip(&whole) {
            let row = simd.read(&row[at]);
            for (sums, x) in sums.iter_mut().zip(x_whole) {
                sums[0] = simd.mul_add(row, simd.load(&x[at]), sums[0]);
            }
        }
    }
    let mut dots = [[0.0; IMAGES]; N];
    for ((dots, sums), row) in dots.iter_mut().zip(&sums).zip(rows) {
        for ((dot, sums), x) in dots.iter_mut().zip(sums).zip(x) {
            let rest = &row[vectors * LANES..];
            let tail = x.get(vectors).map_or(0.0, |x| rest.iter().zip(x.0).map(|(w, x)| w * x).sum::<f32>());
            *dot = simd.sum(simd.add(sums[0], sums[1])) + tail;
        }
    }
    dots
}

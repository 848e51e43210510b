use crate::layers::kernels::{Kernel, Power, Real, run};
use alexnet_spec::layers as spec;
use candle_core::{CpuStorage, Layout, Result};
use rayon::prelude::*;

/// The norm, plane by plane on all threads.
pub(super) fn forward(norm: &spec::SpatialResponseNorm, x: &CpuStorage, layout: &Layout) -> Result<CpuStorage> {
    let (_, _, height, width) = layout.shape().dims4()?;
    run(&Forward { norm, height, width }, [(x, layout)])
}

/// The gradient of the norm's input, from the input and the gradient of the output.
pub(super) fn backward(
    norm: &spec::SpatialResponseNorm,
    x: (&CpuStorage, &Layout),
    grad: (&CpuStorage, &Layout),
) -> Result<CpuStorage> {
    let (_, _, height, width) = x.1.shape().dims4()?;
    run(&Backward { norm, height, width }, [x, grad])
}

struct Forward<'a> {
    norm: &'a spec::SpatialResponseNorm,
    height: usize,
    width: usize,
}

struct Backward<'a> {
    norm: &'a spec::SpatialResponseNorm,
    height: usize,
    width: usize,
}

impl Kernel<1> for Forward<'_> {
    fn run<T: Real>(&self, [x]: [&[T]; 1]) -> Vec<T> {
        let pixels = (self.height * self.width).max(1);
        let power = Power::of_beta(self.norm.beta);
        let mut y = vec![T::ZERO; x.len()];
        y.par_chunks_exact_mut(pixels).zip(x.par_chunks_exact(pixels)).for_each_init(
            || Scratch::new(pixels),
            |scratch, (y, x)| {
                scratch.bases(self.norm, self.width, x, y);
                power.apply(y);
                for (y, x) in y.iter_mut().zip(x) {
                    *y = *x * *y;
                }
            },
        );
        y
    }
}

/// The gradient is the one of the norm across channels, over windows of pixels: see there.
impl Kernel<2> for Backward<'_> {
    fn run<T: Real>(&self, [x, grad]: [&[T]; 2]) -> Vec<T> {
        let pixels = (self.height * self.width).max(1);
        let power = Power::of_beta(self.norm.beta);
        let (before, after) = self.norm.reach();
        let factor = T::of(2.0 * self.norm.effective_alpha() * self.norm.beta);
        let mut dx = vec![T::ZERO; x.len()];
        let planes = dx.par_chunks_exact_mut(pixels).zip(x.par_chunks_exact(pixels)).zip(grad.par_chunks_exact(pixels));
        planes.for_each_init(
            || (Scratch::new(pixels), vec![T::ZERO; pixels], vec![T::ZERO; pixels]),
            |(scratch, through, sum), ((dx, x), grad)| {
                scratch.bases(self.norm, self.width, x, through);
                dx.copy_from_slice(through);
                power.apply(dx);
                for ((dx, through), (x, grad)) in dx.iter_mut().zip(through.iter_mut()).zip(x.iter().zip(grad)) {
                    *dx = *dx * *grad;
                    *through = *dx * *x / *through;
                }
                window_sums(through, self.width, (after, before), &mut scratch.rows, sum);
                for ((dx, sum), x) in dx.iter_mut().zip(sum).zip(x) {
                    *dx = *dx - factor * *x * *sum;
                }
            },
        );
        dx
    }
}

/// Buffers of one plane.
struct Scratch<T> {
    squares: Vec<T>,
    rows: Vec<T>,
}

impl<T: Real> Scratch<T> {
    fn new(pixels: usize) -> Scratch<T> {
        Scratch { squares: vec![T::ZERO; pixels], rows: vec![T::ZERO; pixels] }
    }

    /// `k + a sum(x^2)` over the window of every pixel.
    fn bases(&mut self, norm: &spec::SpatialResponseNorm, width: usize, x: &[T], bases: &mut [T]) {
        for (square, x) in self.squares.iter_mut().zip(x) {
            *square = *x * *x;
        }
        window_sums(&self.squares, width, norm.reach(), &mut self.rows, bases);
        let (k, alpha) = (T::of(norm.k), T::of(norm.effective_alpha()));
        for base in bases {
            *base = k + alpha * *base;
        }
    }
}

/// The sum over the window of every pixel of a plane, first along rows, then across them. `rows` is a buffer.
fn window_sums<T: Real>(x: &[T], width: usize, (before, after): (usize, usize), rows: &mut [T], sums: &mut [T]) {
    for (row, x) in rows.chunks_exact_mut(width).zip(x.chunks_exact(width)) {
        for (column, sum) in row.iter_mut().enumerate() {
            let window = column.saturating_sub(before)..(column + after + 1).min(width);
            *sum = x[window].iter().fold(T::ZERO, |sum, x| sum + *x);
        }
    }
    let height = x.len() / width;
    for (index, sums) in sums.chunks_exact_mut(width).enumerate() {
        sums.fill(T::ZERO);
        for other in index.saturating_sub(before)..(index + after + 1).min(height) {
            for (sum, row) in sums.iter_mut().zip(&rows[other * width..]) {
                *sum += *row;
            }
        }
    }
}

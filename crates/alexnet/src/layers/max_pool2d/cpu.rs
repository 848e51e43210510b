use super::Window;
use crate::layers::kernels::{Kernel, Real, run};
use alexnet_spec::layers as spec;
use candle_core::{CpuStorage, Layout, Result};
use rayon::prelude::*;

/// The pool, plane by plane on all threads.
pub(super) fn forward(pool: &spec::MaxPool2d, x: &CpuStorage, layout: &Layout) -> Result<CpuStorage> {
    run(&Forward(Planes::of(pool, layout)?), [(x, layout)])
}

/// The gradient of the pool's input, from the input and the gradient of the output.
pub(super) fn backward(
    pool: &spec::MaxPool2d,
    x: (&CpuStorage, &Layout),
    grad: (&CpuStorage, &Layout),
) -> Result<CpuStorage> {
    run(&Backward(Planes::of(pool, x.1)?), [x, grad])
}

struct Forward(Planes);

struct Backward(Planes);

struct Planes {
    /// Batch times channels.
    count: usize,
    height: usize,
    width: usize,
    rows: Window,
    columns: Window,
}

impl Planes {
    fn of(pool: &spec::MaxPool2d, layout: &Layout) -> Result<Planes> {
        let (batch, channels, height, width) = layout.shape().dims4()?;
        let [rows, columns] = Window::of(pool, height, width)?;
        Ok(Planes { count: batch * channels, height, width, rows, columns })
    }

    fn outputs(&self) -> usize {
        self.rows.outputs * self.columns.outputs
    }
}

impl Kernel<1> for Forward {
    fn run<T: Real>(&self, [x]: [&[T]; 1]) -> Vec<T> {
        let Planes { count, height, width, rows, columns } = &self.0;
        let mut y = vec![T::ZERO; count * self.0.outputs()];
        let planes = y.par_chunks_exact_mut(self.0.outputs()).zip(x.par_chunks_exact(height * width));
        planes.for_each_init(
            || vec![T::ZERO; *width],
            |tallest, (y, x)| {
                for (index, y) in y.chunks_exact_mut(columns.outputs).enumerate() {
                    tallest.fill(T::NEG_INFINITY);
                    for row in rows.range(index, *height) {
                        for (tallest, x) in tallest.iter_mut().zip(&x[row * width..]) {
                            *tallest = larger(*tallest, *x);
                        }
                    }
                    for (index, y) in y.iter_mut().enumerate() {
                        *y = tallest[columns.range(index, *width)].iter().fold(T::NEG_INFINITY, |a, b| larger(a, *b));
                    }
                }
            },
        );
        y
    }
}

impl Kernel<2> for Backward {
    fn run<T: Real>(&self, [x, grad]: [&[T]; 2]) -> Vec<T> {
        let Planes { height, width, rows, columns, .. } = &self.0;
        let mut dx = vec![T::ZERO; x.len()];
        let planes = dx.par_chunks_exact_mut(height * width).zip(x.par_chunks_exact(height * width));
        planes.zip(grad.par_chunks_exact(self.0.outputs())).for_each(|((dx, x), grad)| {
            for (index, grad) in grad.chunks_exact(columns.outputs).enumerate() {
                let row_window = rows.range(index, *height);
                for (index, grad) in grad.iter().enumerate() {
                    dx[winner(x, *width, row_window.clone(), columns.range(index, *width))] += *grad;
                }
            }
        });
        dx
    }
}

/// The larger value; NaN wins against everything, as in PyTorch.
fn larger<T: Real>(a: T, b: T) -> T {
    if b > a || b.is_nan() { b } else { a }
}

/// The position in `x` of the window's first largest value.
fn winner<T: Real>(x: &[T], width: usize, rows: std::ops::Range<usize>, columns: std::ops::Range<usize>) -> usize {
    let mut winner = rows.start * width + columns.start;
    for row in rows {
        for position in row * width + columns.start..row * width + columns.end {
            if x[position] > x[winner] || x[position].is_nan() {
                winner = position;
            }
        }
    }
    winner
}

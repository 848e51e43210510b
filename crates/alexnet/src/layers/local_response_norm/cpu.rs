use super::channels_per_group;
use crate::layers::kernels::{Kernel, Power, Real, run};
use alexnet_spec::layers as spec;
use candle_core::{CpuStorage, Layout, Result, Shape};
use rayon::prelude::*;
use std::ops::Range;

/// The norm, plane by plane on all threads.
pub(super) fn forward(norm: &spec::LocalResponseNorm, x: &CpuStorage, layout: &Layout) -> Result<CpuStorage> {
    run(&Forward { norm, planes: Planes::of(norm, layout.shape())? }, [(x, layout)])
}

/// The gradient of the norm's input, from the input and the gradient of the output.
pub(super) fn backward(
    norm: &spec::LocalResponseNorm,
    x: (&CpuStorage, &Layout),
    grad: (&CpuStorage, &Layout),
) -> Result<CpuStorage> {
    run(&Backward { norm, planes: Planes::of(norm, x.1.shape())? }, [x, grad])
}

/// How a tensor `[N, C, H, W]` divides into groups of planes that are normalised on their own.
struct Planes {
    /// Channels in a group.
    in_group: usize,
    /// Pixels in a channel.
    pixels: usize,
}

impl Planes {
    fn of(norm: &spec::LocalResponseNorm, shape: &Shape) -> Result<Planes> {
        let (_, channels, height, width) = shape.dims4()?;
        Ok(Planes { in_group: channels_per_group(norm, channels)?, pixels: height * width })
    }
}

struct Forward<'a> {
    norm: &'a spec::LocalResponseNorm,
    planes: Planes,
}

struct Backward<'a> {
    norm: &'a spec::LocalResponseNorm,
    planes: Planes,
}

impl Kernel<1> for Forward<'_> {
    fn run<T: Real>(&self, [x]: [&[T]; 1]) -> Vec<T> {
        let pixels = self.planes.pixels.max(1);
        let power = Power::of_beta(self.norm.beta);
        let mut y = vec![T::ZERO; x.len()];
        y.par_chunks_exact_mut(pixels).enumerate().for_each(|(plane, y)| {
            bases(self.norm, &self.planes, x, plane, y);
            power.apply(y);
            for (y, x) in y.iter_mut().zip(&x[plane * pixels..]) {
                *y = *x * *y;
            }
        });
        y
    }
}

/// With `b[c] = k + a sum(x[j]^2)` and `y[c] = x[c] b[c]^-beta`, the gradient is
/// `dx[c] = dy[c] b[c]^-beta - 2 a beta x[c] sum(dy[j] x[j] b[j]^(-beta - 1))`, where *j* runs over the channels whose window
/// holds *c*: the window with its two sides exchanged.
impl Kernel<2> for Backward<'_> {
    fn run<T: Real>(&self, [x, grad]: [&[T]; 2]) -> Vec<T> {
        let pixels = self.planes.pixels.max(1);
        let power = Power::of_beta(self.norm.beta);
        let (mut direct, mut through) = (vec![T::ZERO; x.len()], vec![T::ZERO; x.len()]);
        direct.par_chunks_exact_mut(pixels).zip(through.par_chunks_exact_mut(pixels)).enumerate().for_each(
            |(plane, (direct, through))| {
                bases(self.norm, &self.planes, x, plane, through);
                direct.copy_from_slice(through);
                power.apply(direct);
                let start = plane * pixels;
                let inputs = x[start..].iter().zip(&grad[start..]);
                for ((direct, through), (x, grad)) in direct.iter_mut().zip(through).zip(inputs) {
                    *direct = *direct * *grad;
                    *through = *direct * *x / *through;
                }
            },
        );
        let (before, after) = self.norm.reach();
        let factor = T::of(2.0 * self.norm.effective_alpha() * self.norm.beta);
        direct.par_chunks_exact_mut(pixels).enumerate().for_each(|(plane, dx)| {
            let mut sum = vec![T::ZERO; pixels];
            for other in self.planes.window(plane, (after, before)) {
                for (sum, through) in sum.iter_mut().zip(&through[other * pixels..]) {
                    *sum += *through;
                }
            }
            for ((dx, sum), x) in dx.iter_mut().zip(sum).zip(&x[plane * pixels..]) {
                *dx = *dx - factor * *x * sum;
            }
        });
        direct
    }
}

/// `k + a sum(x[j]^2)` for every pixel of a plane. The sum is taken afresh for each plane: a running one that adds a
/// channel and subtracts another loses digits.
fn bases<T: Real>(norm: &spec::LocalResponseNorm, planes: &Planes, x: &[T], plane: usize, bases: &mut [T]) {
    bases.fill(T::ZERO);
    for other in planes.window(plane, norm.reach()) {
        for (sum, x) in bases.iter_mut().zip(&x[other * planes.pixels..]) {
            *sum += *x * *x;
        }
    }
    let (k, alpha) = (T::of(norm.k), T::of(norm.effective_alpha()));
    for base in bases {
        *base = k + alpha * *base;
    }
}

impl Planes {
    /// The planes of the same group and example that lie at most `before` and `after` from `plane`.
    fn window(&self, plane: usize, (before, after): (usize, usize)) -> Range<usize> {
        let first = plane - plane % self.in_group;
        plane.saturating_sub(before).max(first)..(plane + after + 1).min(first + self.in_group)
    }
}

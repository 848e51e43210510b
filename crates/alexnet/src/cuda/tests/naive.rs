//! The three operations as the documentation of `alexnet-spec` states them: loops in f64, and slopes by differences.

use super::super::params::Dims;
use alexnet_spec::layers::{LocalResponseNorm, MaxPool2d, SpatialResponseNorm};

/// y = x / (k + alpha / size * sum of squares over neighbouring channels of the group)^beta.
pub(super) fn local_response_norm(norm: &LocalResponseNorm, (n, c, h, w): Dims, x: &[f64]) -> Vec<f64> {
    let group = c / norm.groups;
    let mut y = vec![0.0; x.len()];
    for image in 0..n {
        for channel in 0..c {
            for pixel in 0..h * w {
                let at = |channel: usize| (image * c + channel) * h * w + pixel;
                let mut sum = 0.0;
                for other in 0..c {
                    let lowest = channel as i64 - (norm.size as i64 - 1) / 2;
                    let highest = channel as i64 + norm.size as i64 / 2;
                    let within = (lowest..=highest).contains(&(other as i64));
                    if within && other / group == channel / group {
                        sum += x[at(other)] * x[at(other)];
                    }
                }
                y[at(channel)] = x[at(channel)] / (norm.k + norm.alpha / norm.size as f64 * sum).powf(norm.beta);
            }
        }
    }
    y
}

/// y = x / (k + alpha / size^2 * sum of squares over the size x size pixels from -(size / 2) on)^beta.
pub(super) fn spatial_response_norm(norm: &SpatialResponseNorm, (n, c, h, w): Dims, x: &[f64]) -> Vec<f64> {
    let mut y = vec![0.0; x.len()];
    let size = norm.size as i64;
    for map in 0..n * c {
        let at = |row: i64, column: i64| {
            let inside = (0..h as i64).contains(&row) && (0..w as i64).contains(&column);
            inside.then(|| map * h * w + row as usize * w + column as usize)
        };
        for row in 0..h as i64 {
            for column in 0..w as i64 {
                let mut sum = 0.0;
                for i in 0..size {
                    for j in 0..size {
                        let value = at(row - size / 2 + i, column - size / 2 + j).map_or(0.0, |index| x[index]);
                        sum += value * value;
                    }
                }
                let own = at(row, column).unwrap();
                y[own] = x[own] / (norm.k + norm.alpha / (size * size) as f64 * sum).powf(norm.beta);
            }
        }
    }
    y
}

/// The largest value of each window; what is outside is minus infinity.
pub(super) fn max_pool2d(pool: &MaxPool2d, (n, c, h, w): Dims, out: (usize, usize), x: &[f64]) -> Vec<f64> {
    let mut y = Vec::new();
    for map in 0..n * c {
        for out_row in 0..out.0 {
            for out_column in 0..out.1 {
                let mut largest = f64::NEG_INFINITY;
                for i in 0..pool.kernel[0] {
                    for j in 0..pool.kernel[1] {
                        let row = (out_row * pool.stride[0] + i).checked_sub(pool.pads[0]).filter(|row| *row < h);
                        let column = (out_column * pool.stride[1] + j).checked_sub(pool.pads[1]).filter(|c| *c < w);
                        if let (Some(row), Some(column)) = (row, column) {
                            largest = largest.max(x[map * h * w + row * w + column]);
                        }
                    }
                }
                y.push(largest);
            }
        }
    }
    y
}

/// The gradient of x: the sum of f(x) weighted with `g`, differentiated numerically. Good to about nine digits.
pub(super) fn gradient(f: impl Fn(&[f64]) -> Vec<f64>, x: &[f64], g: &[f64]) -> Vec<f64> {
    const STEP: f64 = 1e-5;
    let weighted = |x: &[f64]| f(x).iter().zip(g).map(|(y, g)| y * g).sum::<f64>();
    let mut moved = x.to_vec();
    let slope = |index: usize| {
        let mut at = |step: f64| {
            moved[index] = x[index] + step;
            weighted(&moved)
        };
        let (far, near) = (at(2.0 * STEP) - at(-2.0 * STEP), at(STEP) - at(-STEP));
        moved[index] = x[index];
        (8.0 * near - far) / (12.0 * STEP)
    };
    (0..x.len()).map(slope).collect()
}

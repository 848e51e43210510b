//! The custom operations against loops that say what they compute, over many sizes.

use crate::support::{error, normal};
use alexnet::layers::{LocalResponseNorm, MaxPool2d, SpatialResponseNorm};
use alexnet::spec::layers as spec;
use alexnet::spec::layers::Rounding;
use candle_core::{DType, Device, Tensor};
use candle_nn::Module;

fn at(x: &Tensor) -> Vec<Vec<Vec<Vec<f64>>>> {
    (0..x.dim(0).unwrap()).map(|n| x.get(n).unwrap().to_vec3().unwrap()).collect()
}

/// A tensor `[N, C, H, W]` from a function of its indices.
fn tensor(dims: [usize; 4], f: impl Fn([usize; 4]) -> f64) -> Tensor {
    let [batch, channels, height, width] = dims;
    let mut values = Vec::new();
    for n in 0..batch {
        for c in 0..channels {
            for h in 0..height {
                for w in 0..width {
                    values.push(f([n, c, h, w]));
                }
            }
        }
    }
    Tensor::from_vec(values, (batch, channels, height, width), &Device::Cpu).unwrap()
}

#[test]
fn norm_across_channels_is_its_formula() {
    for channels in [2, 6] {
        for groups in [1, 2] {
            for size in 1..=9 {
                for (alpha, beta, k) in [(0.5, 0.75, 1.0), (3.0, 0.6, 2.0)] {
                    let norm = spec::LocalResponseNorm { size, alpha, beta, k, groups };
                    let x = normal(&[2, channels, 2, 3]);
                    let v = at(&x);
                    let in_group = channels / groups;
                    let expected = tensor([2, channels, 2, 3], |[n, c, h, w]| {
                        let mut sum = 0.0;
                        for j in 0..channels as isize {
                            let distance = j - c as isize;
                            let (before, after) = ((size as isize - 1) / 2, size as isize / 2);
                            if j as usize / in_group == c / in_group && -before <= distance && distance <= after {
                                sum += v[n][j as usize][h][w].powi(2);
                            }
                        }
                        v[n][c][h][w] / (k + alpha / size as f64 * sum).powf(beta)
                    });
                    let layer = LocalResponseNorm::new(&norm);
                    assert!(error(&layer.forward(&x).unwrap(), &expected) < 1e-14, "{norm:?} of {channels}");
                    assert!(error(&layer.composed(&x).unwrap(), &expected) < 1e-14, "{norm:?} of {channels}, composed");
                }
            }
        }
    }
}

#[test]
fn norm_within_a_map_is_its_formula() {
    for (height, width) in [(1, 1), (3, 5), (6, 4)] {
        for size in 1..=7 {
            for (alpha, beta, k) in [(0.5, 0.75, 1.0), (3.0, 0.6, 2.0)] {
                let norm = spec::SpatialResponseNorm { size, alpha, beta, k };
                let x = normal(&[2, 2, height, width]);
                let v = at(&x);
                let expected = tensor([2, 2, height, width], |[n, c, h, w]| {
                    let start = |p: usize| p as isize - (size / 2) as isize;
                    let mut sum = 0.0;
                    for i in start(h)..start(h) + size as isize {
                        for j in start(w)..start(w) + size as isize {
                            if (0..height as isize).contains(&i) && (0..width as isize).contains(&j) {
                                sum += v[n][c][i as usize][j as usize].powi(2);
                            }
                        }
                    }
                    v[n][c][h][w] / (k + alpha / (size * size) as f64 * sum).powf(beta)
                });
                let layer = SpatialResponseNorm::new(&norm);
                assert!(error(&layer.forward(&x).unwrap(), &expected) < 1e-14, "{norm:?} of {height}x{width}");
                assert!(
                    error(&layer.composed(&x).unwrap(), &expected) < 1e-14,
                    "{norm:?} of {height}x{width}, composed"
                );
            }
        }
    }
}

/// Window positions by trying them: rounded up, a last window counts that starts before the trailing padding.
fn outputs(size: usize, kernel: usize, stride: usize, (before, after): (usize, usize), rounding: Rounding) -> usize {
    let padded = size + before + after;
    let fits = |start: usize| match rounding {
        Rounding::Floor => start + kernel <= padded,
        Rounding::Ceil => start + kernel <= padded || (start < size + before && start + kernel - stride < padded),
    };
    (0..).take_while(|i| fits(i * stride)).count()
}

#[test]
fn pools_take_the_largest_of_each_window() {
    let mut pools = 0;
    for (height, width) in [(5, 6), (8, 7)] {
        for kernel in [[1, 2], [2, 2], [3, 3], [4, 3]] {
            for stride in [[1, 1], [2, 2], [3, 2]] {
                for pads in [[0, 0, 0, 0], [0, 1, 0, 0], [0, 0, 0, 1], [0, 1, 0, 1], [1, 0, 0, 1], [0, 0, 1, 0]] {
                    for rounding in [Rounding::Floor, Rounding::Ceil] {
                        let [top, left, bottom, right] = pads;
                        if top.max(bottom) >= kernel[0] || left.max(right) >= kernel[1] {
                            continue;
                        }
                        let pool = spec::MaxPool2d { kernel, stride, pads, rounding };
                        let x = normal(&[2, 2, height, width]);
                        let v = at(&x);
                        let rows = outputs(height, kernel[0], stride[0], (top, bottom), rounding);
                        let columns = outputs(width, kernel[1], stride[1], (left, right), rounding);
                        let expected = tensor([2, 2, rows, columns], |[n, c, h, w]| {
                            let mut largest = f64::NEG_INFINITY;
                            for (i, line) in v[n][c].iter().enumerate() {
                                for (j, value) in line.iter().enumerate() {
                                    let inside = |p: usize, pad, o: usize, s: usize, k: usize| {
                                        p + pad >= o * s && p + pad < o * s + k
                                    };
                                    if inside(i, top, h, stride[0], kernel[0])
                                        && inside(j, left, w, stride[1], kernel[1])
                                    {
                                        largest = largest.max(*value);
                                    }
                                }
                            }
                            largest
                        });
                        let layer = MaxPool2d::new(&pool);
                        assert_eq!(error(&layer.forward(&x).unwrap(), &expected), 0.0, "{pool:?} of {height}x{width}");
                        assert_eq!(error(&layer.composed(&x).unwrap(), &expected), 0.0, "{pool:?}, composed");
                        pools += 1;
                    }
                }
            }
        }
    }
    assert!(pools > 200);
}

/// Padding with zeros instead of minus infinity would win here.
#[test]
fn padding_never_wins_a_pool() {
    let x = Tensor::full(-3f32, (1, 1, 4, 4), &Device::Cpu).unwrap();
    let pool = spec::MaxPool2d { kernel: [3, 3], stride: [2, 2], pads: [1, 1, 1, 1], rounding: Rounding::Ceil };
    for y in [MaxPool2d::new(&pool).forward(&x).unwrap(), MaxPool2d::new(&pool).composed(&x).unwrap()] {
        assert!(y.flatten_all().unwrap().to_vec1::<f32>().unwrap().iter().all(|y| *y == -3.0));
    }
}

#[test]
fn a_pool_passes_nan_on() {
    let x = Tensor::new(&[1f32, f32::NAN, 2., 3.], &Device::Cpu).unwrap().reshape((1, 1, 1, 4)).unwrap();
    let pool = spec::MaxPool2d { kernel: [1, 2], stride: [1, 2], pads: [0; 4], rounding: Rounding::Floor };
    let y = MaxPool2d::new(&pool).forward(&x).unwrap().flatten_all().unwrap().to_vec1::<f32>().unwrap();
    assert!(y[0].is_nan() && y[1] == 3.0);
}

#[test]
fn an_empty_batch_stays_empty() {
    let x = Tensor::zeros((0, 4, 5, 5), DType::F32, &Device::Cpu).unwrap();
    let norm = LocalResponseNorm::new(&spec::LocalResponseNorm { size: 5, alpha: 1.0, beta: 0.75, k: 1.0, groups: 2 });
    assert_eq!(norm.forward(&x).unwrap().dims(), [0, 4, 5, 5]);
    assert_eq!(MaxPool2d::new(&spec::MaxPool2d::overlapping()).forward(&x).unwrap().dims(), [0, 4, 2, 2]);
}

#[test]
fn what_a_layer_cannot_take_is_an_error() {
    let x = normal(&[1, 5, 2, 2]);
    let norm = spec::LocalResponseNorm { size: 5, alpha: 1.0, beta: 0.75, k: 1.0, groups: 2 };
    let says = |e: candle_core::Error| e.to_string();
    assert!(
        says(LocalResponseNorm::new(&norm).forward(&x).unwrap_err()).contains("2 groups don't divide the 5 channels")
    );
    let pool = MaxPool2d::new(&spec::MaxPool2d::overlapping());
    assert!(says(pool.forward(&x).unwrap_err()).contains("kernel's height of 3 is larger"));
    let integers = Tensor::zeros((1, 4, 5, 5), DType::U32, &Device::Cpu).unwrap();
    assert!(says(pool.forward(&integers).unwrap_err()).contains("floating point"));
}

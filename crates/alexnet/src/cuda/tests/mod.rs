//! The CUDA kernels, run on the CPU as C++ with the parameters and the grid of a launch, against loops in f64.
//!
//! What this can't show is that a GPU agrees: `tests/gpu.rs` does that, on a machine that has one.

mod cxx;
mod element;
mod epilogue;
mod naive;
mod pack;

use super::Grid;
use super::params::{self, Dims};
use alexnet_spec::layers::{LocalResponseNorm, MaxPool2d, Rounding, SpatialResponseNorm};
use element::Element;

/// Numbers from -2 to 2 without a pattern, no two of them within 1e-3 of each other where there are fewer than 4000.
fn numbers(count: usize, seed: usize) -> Vec<f64> {
    // Steps of the golden ratio: the most even sequence there is.
    (0..count).map(|i| ((i + 1 + 100 * seed) as f64 * 0.618_033_988_749_894_9).fract() * 4.0 - 2.0).collect()
}

fn elements((n, c, h, w): Dims) -> usize {
    n * c * h * w
}

/// Every image, channel and pixel.
fn indices(images: usize, channels: usize, pixels: usize) -> impl Iterator<Item = (usize, usize, usize)> {
    (0..images * channels * pixels).map(move |i| (i / pixels / channels, i / pixels % channels, i % pixels))
}

fn grid((n, c, h, w): Dims) -> Grid {
    Grid::over(h * w, n * c)
}

#[track_caller]
fn assert_close(element: Element, case: &str, actual: &[f64], expected: &[f64]) {
    assert_eq!(actual.len(), expected.len(), "{case}");
    let largest = expected.iter().fold(0.0_f64, |largest, value| largest.max(value.abs()));
    for (index, (a, e)) in actual.iter().zip(expected).enumerate() {
        let close = (a - e).abs() <= element.tolerance() * largest;
        assert!(close, "{case} {element:?}: element {index} is {a}, not {e}");
    }
}

/// Windows of every kind: odd and even, of one channel, wider than the group or the map.
const SIZES: [usize; 7] = [1, 2, 3, 4, 5, 8, 17];

/// (beta, k); alphas are large, so that the window counts.
const CONSTANTS: [(f64, f64); 3] = [(0.75, 2.0), (0.5, 1.0), (1.25, 0.5)];

fn local_response_norms() -> impl Iterator<Item = (LocalResponseNorm, Dims)> {
    let shapes: [(Dims, usize); 4] = [((2, 6, 3, 5), 1), ((2, 6, 3, 5), 2), ((1, 4, 1, 1), 4), ((1, 1, 2, 2), 1)];
    SIZES.into_iter().flat_map(move |size| {
        CONSTANTS.into_iter().flat_map(move |(beta, k)| {
            shapes.map(|(dims, groups)| (LocalResponseNorm { size, alpha: 1.5, beta, k, groups }, dims))
        })
    })
}

#[test]
fn local_response_norm_agrees_with_loops() {
    if !cxx::available() {
        return;
    }
    for (norm, dims) in local_response_norms() {
        let parameters = params::LocalResponseNorm::new(&norm, dims).unwrap().bytes();
        for element in Element::ALL {
            let x = element.round(&numbers(elements(dims), 0));
            let y = cxx::run_as(element, "local_response_norm", grid(dims), &parameters, &[&x], x.len());
            assert_close(element, &format!("{norm:?}"), &y, &naive::local_response_norm(&norm, dims, &x));
        }
    }
}

#[test]
fn local_response_norm_backward_agrees_with_differences() {
    if !cxx::available() {
        return;
    }
    for (norm, dims) in local_response_norms() {
        let parameters = params::LocalResponseNorm::new(&norm, dims).unwrap().bytes();
        for element in Element::ALL {
            let [x, g] = [0, 1].map(|seed| element.round(&numbers(elements(dims), seed)));
            let kernel = "local_response_norm";
            let dx = cxx::run_backward_with_ratio(element, kernel, grid(dims), &parameters, (&x, &g));
            let expected = naive::gradient(|x| naive::local_response_norm(&norm, dims, x), &x, &g);
            assert_close(element, &format!("{norm:?}"), &dx, &expected);
        }
    }
}

fn spatial_response_norms() -> impl Iterator<Item = (SpatialResponseNorm, Dims)> {
    let shapes: [Dims; 3] = [(2, 2, 4, 6), (1, 1, 7, 3), (1, 2, 1, 1)];
    SIZES.into_iter().flat_map(move |size| {
        CONSTANTS.into_iter().flat_map(move |(beta, k)| {
            shapes.map(|dims| (SpatialResponseNorm { size, alpha: 1.5 * size as f64, beta, k }, dims))
        })
    })
}

#[test]
fn spatial_response_norm_agrees_with_loops() {
    if !cxx::available() {
        return;
    }
    for (norm, dims) in spatial_response_norms() {
        let parameters = params::SpatialResponseNorm::new(&norm, dims).unwrap().bytes();
        for element in Element::ALL {
            let x = element.round(&numbers(elements(dims), 0));
            let y = cxx::run_as(element, "spatial_response_norm", grid(dims), &parameters, &[&x], x.len());
            assert_close(element, &format!("{norm:?}"), &y, &naive::spatial_response_norm(&norm, dims, &x));
        }
    }
}

#[test]
fn spatial_response_norm_backward_agrees_with_differences() {
    if !cxx::available() {
        return;
    }
    for (norm, dims) in spatial_response_norms() {
        let parameters = params::SpatialResponseNorm::new(&norm, dims).unwrap().bytes();
        for element in Element::ALL {
            let [x, g] = [0, 1].map(|seed| element.round(&numbers(elements(dims), seed)));
            let kernel = "spatial_response_norm";
            let dx = cxx::run_backward_with_ratio(element, kernel, grid(dims), &parameters, (&x, &g));
            let expected = naive::gradient(|x| naive::spatial_response_norm(&norm, dims, x), &x, &g);
            assert_close(element, &format!("{norm:?}"), &dx, &expected);
        }
    }
}

/// Kernel, stride, pads, and the sizes of input and output on an axis, by hand: the family's pool rounded both ways, even
/// windows, gaps between windows, pads on one side alone, a window cut at the border, a window as large as the map.
fn max_pools() -> Vec<(MaxPool2d, Dims, (usize, usize))> {
    let pool = |kernel, stride, pads| MaxPool2d { kernel, stride, pads, rounding: Rounding::Floor };
    vec![
        (MaxPool2d::overlapping(), (2, 3, 7, 9), (3, 4)),
        (MaxPool2d::overlapping(), (1, 2, 8, 6), (3, 2)),
        (MaxPool2d::overlapping().rounded_up(), (1, 2, 8, 6), (4, 3)),
        (pool([2, 2], [2, 2], [0; 4]), (1, 2, 6, 4), (3, 2)),
        (pool([1, 2], [3, 3], [0; 4]), (1, 1, 7, 8), (3, 3)),
        (pool([3, 3], [1, 1], [1; 4]), (2, 1, 4, 5), (4, 5)),
        (pool([3, 2], [2, 1], [2, 1, 0, 0]), (1, 1, 5, 5), (3, 5)),
        (pool([3, 3], [2, 2], [0, 0, 1, 2]), (1, 1, 6, 6), (3, 3)),
        (pool([4, 5], [1, 1], [0; 4]), (1, 2, 4, 5), (1, 1)),
        (pool([1, 1], [1, 1], [0; 4]), (1, 1, 1, 1), (1, 1)),
    ]
}

#[test]
fn max_pool_agrees_with_loops() {
    if !cxx::available() {
        return;
    }
    for (pool, dims, out) in max_pools() {
        let parameters = params::MaxPool2d::new(&pool, dims, out).unwrap().bytes();
        let (n, c, ..) = dims;
        let count = n * c * out.0 * out.1;
        for element in Element::ALL {
            let x = element.round(&numbers(elements(dims), 0));
            let y = cxx::run_as(element, "max_pool2d", grid((n, c, out.0, out.1)), &parameters, &[&x], count);
            assert_eq!(y, naive::max_pool2d(&pool, dims, out, &x), "{pool:?} {element:?}");
        }
    }
}

#[test]
fn max_pool_backward_agrees_with_differences() {
    if !cxx::available() {
        return;
    }
    for (pool, dims, out) in max_pools() {
        let parameters = params::MaxPool2d::new(&pool, dims, out).unwrap().bytes();
        let count = dims.0 * dims.1 * out.0 * out.1;
        // The 16-bit types differ in how they are read alone, and have equal values where a difference is no slope.
        for element in [Element::F64, Element::F32] {
            let (x, g) = (element.round(&numbers(elements(dims), 0)), element.round(&numbers(count, 1)));
            let dx = cxx::run_as(element, "max_pool2d_backward", grid(dims), &parameters, &[&x, &g], x.len());
            let expected = naive::gradient(|x| naive::max_pool2d(&pool, dims, out, x), &x, &g);
            assert_close(element, &format!("{pool:?}"), &dx, &expected);
        }
    }
}

#[test]
fn the_first_of_equal_values_and_the_last_nan_get_the_gradient() {
    if !cxx::available() {
        return;
    }
    let pool = MaxPool2d { kernel: [2, 2], stride: [1, 1], pads: [0; 4], rounding: Rounding::Floor };
    let dims = (1, 1, 2, 3);
    let parameters = params::MaxPool2d::new(&pool, dims, (1, 2)).unwrap().bytes();
    for element in Element::ALL {
        let run = |kernel, inputs: &[&[f64]], count| {
            cxx::run_as(element, kernel, Grid::over(count, 1), &parameters, inputs, count)
        };
        let equal = [1.0, 3.0, 3.0, 3.0, 0.0, 3.0];
        assert_eq!(run("max_pool2d_backward", &[&equal, &[1.0, 4.0]], 6), [0.0, 5.0, 0.0, 0.0, 0.0, 0.0]);
        let nan = [1.0, 2.0, f64::NAN, 4.0, 5.0, f64::NAN];
        let y = run("max_pool2d", &[&nan], 2);
        assert!(y[0] == 5.0 && y[1].is_nan(), "{y:?}");
        // PyTorch's, too: `f.max_pool2d(x, 2, 1)` of these and its gradient.
        assert_eq!(run("max_pool2d_backward", &[&nan, &[1.0, 4.0]], 6), [0.0, 0.0, 0.0, 0.0, 1.0, 4.0]);
        let lowest = [f64::NEG_INFINITY; 6];
        assert_eq!(run("max_pool2d", &[&lowest], 2), [f64::NEG_INFINITY; 2]);
    }
}

#[test]
fn shapes_beyond_the_kernels_counting_are_refused() {
    let norm = LocalResponseNorm { size: 5, alpha: 1e-4, beta: 0.75, k: 1.0, groups: 2 };
    assert!(params::LocalResponseNorm::new(&norm, (1, 4, 1 << 16, 1 << 15)).is_err());
    assert!(params::LocalResponseNorm::new(&norm, (1, 3, 2, 2)).is_err());
    assert!(params::LocalResponseNorm::new(&norm, (1 << 62, 4, 1, 1)).is_err());
    let pool = MaxPool2d::overlapping();
    assert!(params::MaxPool2d::new(&pool, (1, 1, 5, 5), (2, 2)).is_ok());
    // A fourth window would start behind the input.
    assert!(params::MaxPool2d::new(&pool, (1, 1, 5, 5), (4, 2)).is_err());
    let padded = MaxPool2d { pads: [3, 0, 0, 0], ..pool };
    assert!(params::MaxPool2d::new(&padded, (1, 1, 5, 5), (2, 2)).is_err());
}

//! `kernels/epilogue.cu` against the layers' own loops, one after the other.

use super::super::Grid;
use super::super::params::{Dims, Epilogue, Following, NormOrder, Relu};
use super::element::Element;
use super::{assert_close, cxx, elements, max_pools, naive, numbers};
use alexnet_spec::layers::{LocalResponseNorm, MaxPool2d, Rounding};

/// `[N, C, H, W]` in the order `[N, H, W, C]`.
fn channels_last((n, c, h, w): Dims, x: &[f64]) -> Vec<f64> {
    let mut y = vec![0.0; x.len()];
    for (image, channel, pixel) in super::indices(n, c, h * w) {
        y[(image * h * w + pixel) * c + channel] = x[(image * c + channel) * h * w + pixel];
    }
    y
}

/// Bias, ReLU, norm and pool as four passes over the whole tensor in f64.
fn expected(following: &Following, dims: Dims, out: (usize, usize), x: &[f64], bias: &[f64]) -> Vec<f64> {
    let (n, c, h, w) = dims;
    let relu = |x: &mut Vec<f64>| x.iter_mut().for_each(|value| *value = value.max(0.0));
    let pool = |x: Vec<f64>| match &following.pool {
        Some(pool) => naive::max_pool2d(pool, dims, out, &x),
        None => x,
    };
    let mut y: Vec<f64> = x.iter().enumerate().map(|(i, value)| value + bias[i / (h * w) % c]).collect();
    if following.relu == Relu::First {
        relu(&mut y);
    }
    let mut y = match &following.norm {
        None => pool(y),
        Some((norm, NormOrder::BeforePool)) => pool(naive::local_response_norm(norm, dims, &y)),
        Some((norm, NormOrder::AfterPool)) => naive::local_response_norm(norm, (n, c, out.0, out.1), &pool(y)),
    };
    if following.relu == Relu::Last {
        relu(&mut y);
    }
    y
}

/// Runs the kernel over `x` in planar order, with every combination of layouts, and returns its output in planar order.
fn run(element: Element, following: &Following, dims: Dims, out: (usize, usize), x: &[f64], bias: &[f64]) -> Vec<f64> {
    let (n, c, ..) = dims;
    let grid = Grid::over(c * out.0 * out.1, n);
    let count = n * c * out.0 * out.1;
    let of_layouts = |layouts: [bool; 2]| {
        let parameters = Epilogue::new(following, dims, out, layouts).unwrap().bytes();
        let x = if layouts[0] { channels_last(dims, x) } else { x.to_vec() };
        cxx::run_as(element, "epilogue", grid, &parameters, &[&x, bias], count)
    };
    let planar = of_layouts([false, false]);
    let same = |a: &[f64], b: &[f64]| a.iter().zip(b).all(|(a, b)| a.to_bits() == b.to_bits());
    assert!(same(&of_layouts([true, false]), &planar), "{following:?} {element:?}: channels last in");
    let last = channels_last((n, c, out.0, out.1), &planar);
    assert!(same(&of_layouts([true, true]), &last), "{following:?} {element:?}: channels last in and out");
    assert!(same(&of_layouts([false, true]), &last), "{following:?} {element:?}: channels last out");
    planar
}

#[track_caller]
fn check(following: &Following, dims: Dims, out: (usize, usize)) {
    for element in Element::ALL {
        let x = element.round(&numbers(elements(dims), 0));
        let bias = element.round(&numbers(dims.1, 3));
        let y = run(element, following, dims, out, &x, &bias);
        assert_close(element, &format!("{following:?} {dims:?}"), &y, &expected(following, dims, out, &x, &bias));
    }
}

#[test]
fn bias_and_relu_alone_agree_with_loops() {
    if !cxx::available() {
        return;
    }
    for relu in [Relu::None, Relu::First, Relu::Last] {
        for dims in [(2, 5, 3, 7), (1, 1, 1, 1), (3, 16, 13, 13)] {
            check(&Following { relu, ..Following::default() }, dims, (dims.2, dims.3));
        }
    }
}

#[test]
fn every_pool_after_bias_and_relu_agrees_with_loops() {
    if !cxx::available() {
        return;
    }
    for relu in [Relu::None, Relu::First, Relu::Last] {
        for (pool, dims, out) in max_pools() {
            check(&Following { relu, norm: None, pool: Some(pool) }, dims, out);
        }
    }
}

#[test]
fn norm_and_pool_in_either_order_agree_with_loops() {
    if !cxx::available() {
        return;
    }
    let padded = MaxPool2d { kernel: [3, 2], stride: [2, 1], pads: [2, 1, 0, 0], rounding: Rounding::Floor };
    let cases = [
        (MaxPool2d::overlapping(), (2, 6, 7, 9), (3, 4)),
        (MaxPool2d::overlapping().rounded_up(), (1, 12, 8, 6), (4, 3)),
        (padded, (1, 6, 5, 5), (3, 5)),
    ];
    for (pool, dims, out) in cases {
        for size in super::SIZES {
            for (beta, k) in [super::CONSTANTS[size % 3]] {
                for groups in [1, 2, 6] {
                    let norm = LocalResponseNorm { size, alpha: 1.5, beta, k, groups };
                    for order in [NormOrder::BeforePool, NormOrder::AfterPool] {
                        // The constants of a norm don't interact with the place of a ReLU.
                        let relu = [Relu::First, Relu::Last, Relu::None][groups % 3];
                        let norm = Some((norm.clone(), order));
                        check(&Following { relu, norm, pool: Some(pool.clone()) }, dims, out);
                    }
                }
            }
        }
    }
}

#[test]
fn a_norm_without_a_pool_agrees_with_loops() {
    if !cxx::available() {
        return;
    }
    let norm = LocalResponseNorm { size: 5, alpha: 1.5, beta: 0.75, k: 2.0, groups: 2 };
    for order in [NormOrder::BeforePool, NormOrder::AfterPool] {
        let following = Following { relu: Relu::First, norm: Some((norm.clone(), order)), pool: None };
        check(&following, (2, 10, 5, 3), (5, 3));
    }
}

/// By hand: ReLU makes 0 of a NaN, a pool passes it on, a norm spreads it to the channels that see it.
#[test]
fn a_nan_is_treated_as_by_the_single_layers() {
    if !cxx::available() {
        return;
    }
    let pool = MaxPool2d { kernel: [1, 2], stride: [1, 1], pads: [0; 4], rounding: Rounding::Floor };
    let norm = LocalResponseNorm { size: 3, alpha: 3.0, beta: 1.0, k: 1.0, groups: 1 };
    // Four channels of a 1 x 3 map, of which channel 0 has a NaN in its last column.
    let mut x = vec![1.0; 12];
    x[2] = f64::NAN;
    let output = |element, relu, order: Option<NormOrder>| {
        let following = Following { relu, norm: order.map(|order| (norm.clone(), order)), pool: Some(pool.clone()) };
        run(element, &following, (1, 4, 1, 3), (1, 2), &x, &[0.0; 4])
    };
    let nans = |y: &[f64]| y.iter().map(|value| value.is_nan()).collect::<Vec<_>>();
    for element in Element::ALL {
        assert_eq!(output(element, Relu::First, None), [1.0; 8]);
        // The last window's maximum is a NaN, of which the ReLU makes 0.
        assert_eq!(output(element, Relu::Last, None), [1.0, 0.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0]);
        let [t, f] = [true, false];
        assert_eq!(nans(&output(element, Relu::None, None)), [f, t, f, f, f, f, f, f]);
        for order in [NormOrder::BeforePool, NormOrder::AfterPool] {
            assert_eq!(nans(&output(element, Relu::None, Some(order))), [f, t, f, t, f, f, f, f], "{order:?}");
        }
    }
}

#[test]
fn images_beyond_the_kernels_counting_are_refused() {
    let nothing = Following::default();
    let new = |dims: Dims, out| Epilogue::new(&nothing, dims, out, [false, true]);
    assert!(new((1, 4, 5, 5), (5, 5)).is_ok());
    assert!(new((1, 1 << 16, 1 << 8, 1 << 8), (1 << 8, 1 << 8)).is_err());
    // More outputs than a window of one pixel has places.
    assert!(new((1, 4, 5, 5), (6, 5)).is_err());
}

//! Gradients against central differences in f64.

use crate::support::{error, normal, values};
use alexnet::layers;
use alexnet::spec::layers::{Conv2d, LocalResponseNorm, MaxPool2d, Rounding, SpatialResponseNorm};
use alexnet::spec::{Op, Shape};
use candle_core::{DType, Device, Tensor, Var};
use candle_nn::{VarBuilder, VarMap};

const STEP: f64 = 1e-6;

/// The derivative of `loss` by every element of `x`.
fn differences(x: &Tensor, loss: impl Fn(&Tensor) -> f64) -> Tensor {
    let center = values(x);
    let slope = |i: usize| {
        let moved = |by: f64| {
            let mut values = center.clone();
            values[i] += by;
            loss(&Tensor::from_vec(values, x.shape(), &Device::Cpu).unwrap())
        };
        (moved(STEP) - moved(-STEP)) / (2.0 * STEP)
    };
    Tensor::from_vec((0..center.len()).map(slope).collect::<Vec<_>>(), x.shape(), &Device::Cpu).unwrap()
}

fn check(op: impl Into<Op>, dims: [usize; 4]) {
    let op = op.into();
    let shape = Shape::Map { channels: dims[1], height: dims[2], width: dims[3] };
    let parameters = VarMap::new();
    let vb = VarBuilder::from_varmap(&parameters, DType::F64, &Device::Cpu);
    let layer = layers::build(&op, shape, vb).unwrap();
    let x = Var::from_tensor(&normal(&dims)).unwrap();
    let dy = normal(layer.forward_t(&x, true).unwrap().dims());
    let loss = |x: &Tensor| (layer.forward_t(x, true).unwrap() * &dy).unwrap().sum_all().unwrap();
    let gradients = loss(&x).backward().unwrap();
    let expected = differences(&x, |x| loss(x).to_scalar().unwrap());
    let actual = gradients.get(&x).unwrap();
    assert!(error(actual, &expected) < 1e-7, "{op:?}: {}", error(actual, &expected));
}

#[test]
fn gradient_of_the_norm_across_channels() {
    for size in [2, 3, 4, 9] {
        check(LocalResponseNorm { size, alpha: 3.0, beta: 0.75, k: 1.0, groups: 2 }, [2, 6, 2, 2]);
        check(LocalResponseNorm { size, alpha: 3.0, beta: 0.4, k: 2.0, groups: 1 }, [1, 5, 2, 3]);
    }
}

#[test]
fn gradient_of_the_norm_within_a_map() {
    for size in [2, 3, 4, 9] {
        check(SpatialResponseNorm { size, alpha: 5.0, beta: 0.75, k: 1.0 }, [2, 2, 4, 5]);
    }
}

#[test]
fn gradient_of_overlapping_padded_rounded_up_pools() {
    check(MaxPool2d::overlapping(), [2, 2, 7, 7]);
    check(MaxPool2d::overlapping().rounded_up(), [1, 2, 6, 8]);
    check(MaxPool2d { kernel: [3, 2], stride: [2, 1], pads: [2, 0, 1, 1], rounding: Rounding::Ceil }, [1, 2, 6, 5]);
}

#[test]
fn gradient_of_unevenly_padded_convolutions() {
    check(Conv2d { out: 4, kernel: [3, 3], stride: [2, 2], pads: [0, 0, 1, 1], groups: 2 }, [1, 4, 6, 6]);
    check(Conv2d { out: 2, kernel: [3, 2], stride: [2, 2], pads: [1, 1, 1, 1], groups: 1 }, [1, 2, 6, 6]);
    check(Conv2d { out: 2, kernel: [3, 3], stride: [3, 2], pads: [0, 1, 0, 0], groups: 1 }, [1, 2, 7, 6]);
}

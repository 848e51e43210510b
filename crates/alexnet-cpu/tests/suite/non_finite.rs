//! NaN and infinity go where the layers' definitions send them, and nowhere else.

use crate::support::{Numbers, engine, isas, network, parameters, run};
use alexnet_cpu::spec::layers::*;
use alexnet_cpu::spec::{Network, Op};

/// The outputs of `network` for an image of `values`, with weights of one and biases of zero.
fn outputs(network: &Network, values: &[f32]) -> Vec<(alexnet_cpu::Isa, Vec<f32>)> {
    let mut parameters = parameters(network, &mut Numbers::new(1));
    for (name, values) in &mut parameters {
        values.fill(if name.ends_with("weight") { 1.0 } else { 0.0 });
    }
    isas().map(|isa| (isa, run(&engine(network, isa, &parameters), &parameters, values, 1))).collect()
}

#[test]
fn groups_do_not_see_each_other() {
    // Two groups of three channels within one block; the second's are infinite.
    let conv = Op::from(Conv2d { out: 4, kernel: [1, 1], stride: [1, 1], pads: [0; 4], groups: 2 });
    let first = Op::from(MaxPool2d { kernel: [1, 1], stride: [1, 1], pads: [0; 4], rounding: Rounding::Floor });
    for (isa, y) in outputs(&network([6, 1, 1], [first, conv]), &[1.0, 2.0, 3.0, f32::INFINITY, 1.0, 1.0]) {
        assert_eq!(y, [6.0, 6.0, f32::INFINITY, f32::INFINITY], "{isa:?}");
    }
}

#[test]
fn channels_that_fill_up_a_block_stay_zero() {
    // One channel of sixteen; infinity times the weights of the others must not reach the norm's window.
    let conv = Op::from(Conv2d { out: 1, kernel: [1, 1], stride: [1, 1], pads: [0; 4], groups: 1 });
    let norm = Op::from(LocalResponseNorm { size: 5, alpha: 0.0, beta: 0.75, k: 1.0, groups: 1 });
    for (isa, y) in outputs(&network([1, 1, 2], [conv, norm]), &[f32::MAX, 2.0]) {
        // The square of the first overflows, and infinity times an alpha of zero is NaN; the second is untouched.
        assert!(y[0].is_nan(), "{isa:?}: {y:?}");
        assert_eq!(y[1], 2.0, "{isa:?}");
    }
}

#[test]
fn nan_passes_through_relu_pool_and_mean() {
    let conv = Op::from(Conv2d { out: 1, kernel: [1, 1], stride: [1, 1], pads: [0; 4], groups: 1 });
    let pool = Op::from(MaxPool2d { kernel: [1, 3], stride: [1, 3], pads: [0; 4], rounding: Rounding::Floor });
    let relu = || Op::from(Relu {});
    for at in 0..3 {
        let mut x = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
        x[at] = f32::NAN;
        for layers in [vec![conv.clone(), relu(), pool.clone()], vec![pool.clone(), relu()]] {
            for (isa, y) in outputs(&network([1, 1, 6], layers), &x) {
                assert!(y[0].is_nan() && y[1] == 6.0, "{isa:?}: {y:?}");
            }
        }
        let mean = Op::from(AdaptiveAvgPool2d { output: [1, 2] });
        for (isa, y) in outputs(&network([1, 1, 6], [mean]), &x) {
            assert!(y[0].is_nan() && y[1] == 5.0, "{isa:?}: {y:?}");
        }
    }
}

#[test]
fn nan_passes_through_fully_connected_layers() {
    for images in [1, 8] {
        let network = network([1, 1, 3], [Flatten {}.into(), Linear { out: 2 }.into(), Relu {}.into()]);
        let mut x = vec![1.0; 3 * images];
        x[1] = f32::NAN;
        let parameters = parameters(&network, &mut Numbers::new(1));
        for isa in isas() {
            let y = run(&engine(&network, isa, &parameters), &parameters, &x, images);
            assert!(y[..2].iter().all(|y| y.is_nan()) && y[2..].iter().all(|y| y.is_finite()), "{isa:?}: {y:?}");
        }
    }
}

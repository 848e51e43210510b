//! What turns one network of the family into another and still runs: each must show against PyTorch's logits.

use crate::support::{error, golden, model, tiny};
use alexnet::spec::layers::Rounding;
use alexnet::spec::{Layer, Network, Op};
use candle_core::DType;

/// The least that a mistake must move the logits, relative to the largest: a thousand times what rounding does.
const VISIBLE: f64 = 3e-3;

/// The error of `name`'s logits after `change` to its network.
fn logit_error(name: &str, change: impl FnOnce(&mut Network)) -> f64 {
    let mut network = tiny(name);
    change(&mut network);
    let model = model(&network, name, DType::F32).unwrap();
    let golden = golden(name);
    error(&model.forward(&golden["input"]).unwrap(), &golden["logits"])
}

fn each_op(network: &mut Network, change: impl Fn(&mut Op)) {
    network.layers.iter_mut().for_each(|layer| change(&mut layer.op));
}

fn swap(network: &mut Network, a: &str, b: &str) {
    let at = |name| network.layers.iter().position(|layer| layer.name == name).unwrap();
    let (a, b) = (at(a), at(b));
    network.layers.swap(a, b);
}

#[test]
fn the_paper_does_not_divide_alpha_by_the_window() {
    let error = logit_error("paper", |network| {
        each_op(network, |op| {
            if let Op::LocalResponseNorm(norm) = op {
                norm.alpha /= norm.size as f64;
            }
        })
    });
    assert!(error > VISIBLE, "{error:e}");
}

#[test]
fn bvlc_divides_alpha_by_the_window() {
    let error = logit_error("bvlc", |network| {
        each_op(network, |op| {
            if let Op::LocalResponseNorm(norm) = op {
                norm.alpha *= norm.size as f64;
            }
        })
    });
    assert!(error > VISIBLE, "{error:e}");
}

#[test]
fn caffenet_normalises_after_the_pool() {
    let error = logit_error("caffenet", |network| {
        swap(network, "pool1", "norm1");
        swap(network, "pool2", "norm2");
    });
    assert!(error > VISIBLE, "{error:e}");
}

#[test]
fn bvlc_normalises_before_the_pool() {
    let error = logit_error("bvlc", |network| {
        swap(network, "pool1", "norm1");
        swap(network, "pool2", "norm2");
    });
    assert!(error > VISIBLE, "{error:e}");
}

#[test]
fn the_released_program_normalises_before_the_relu() {
    let error = logit_error("krizhevsky-2012", |network| {
        let relu = network.layers.iter().position(|layer| layer.name == "relu1").unwrap();
        let relu = network.layers.remove(relu);
        network.layers.insert(1, relu);
    });
    assert!(error > VISIBLE, "{error:e}");
}

#[test]
fn the_released_program_has_a_spatial_norm() {
    let error = logit_error("krizhevsky-2012", |network| network.layers.retain(|layer| layer.name != "cnorm2"));
    assert!(error > VISIBLE, "{error:e}");
}

#[test]
fn the_towers_are_normalised_on_their_own() {
    let error = logit_error("paper", |network| {
        each_op(network, |op| {
            if let Op::LocalResponseNorm(norm) = op {
                norm.groups = 1;
            }
        })
    });
    assert!(error > VISIBLE, "{error:e}");
}

#[test]
fn rounded_up_convolutions_are_padded_at_the_bottom_and_right() {
    for pads in [[3, 3, 0, 0], [1, 1, 2, 2], [2, 2, 1, 1]] {
        let error = logit_error("paper", |network| {
            if let Some(Layer { op: Op::Conv2d(conv), .. }) = network.layers.first_mut() {
                conv.pads = pads;
            }
        });
        assert!(error > VISIBLE, "{pads:?}: {error:e}");
    }
}

/// Weights of a grouped convolution don't fit another number of groups; their order within a group does.
#[test]
fn a_group_of_outputs_sees_its_own_group_of_inputs() {
    use candle_core::Tensor;
    let network = tiny("bvlc");
    let model = model(&network, "bvlc", DType::F32).unwrap();
    let input = &golden("bvlc")["pool1"];
    let expected = &golden("bvlc")["conv2"];
    let halves = input.chunk(2, 1).unwrap();
    let exchanged = Tensor::cat(&[&halves[1], &halves[0]], 1).unwrap();
    assert!(error(&model.forward_layer("conv2", input).unwrap(), expected) < 1e-5);
    assert!(error(&model.forward_layer("conv2", &exchanged).unwrap(), expected) > VISIBLE);
}

/// On 227 pixels floor and ceil agree in every pool of `bvlc`; on another size they part.
#[test]
fn rounding_of_pools_is_told_apart() {
    let shapes = |rounding| {
        let mut network = tiny("bvlc").features_only();
        (network.input.height, network.input.width) = (224, 224);
        each_op(&mut network, |op| {
            if let Op::MaxPool2d(pool) = op {
                pool.rounding = rounding;
            }
        });
        let model = model(&network, "bvlc", DType::F32).unwrap();
        let x = golden("paper")["input"].narrow(0, 0, 1).unwrap();
        let mut sides = Vec::new();
        model
            .forward_with_taps(&x, &mut |name, y| {
                if name.starts_with("pool") {
                    sides.push(y.dim(2)?);
                }
                Ok(())
            })
            .unwrap();
        sides
    };
    // formats.md of Caffe and of the ONNX model zoo: 54, 27, 13, 6 and 54, 26, 12, 5 (unpadded).
    assert_eq!(shapes(Rounding::Ceil), [27, 13, 6]);
    assert_eq!(shapes(Rounding::Floor), [26, 12, 5]);
}

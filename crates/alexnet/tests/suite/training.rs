//! Training through candle's `VarMap` and optimisers.

use alexnet::AlexNet;
use alexnet::spec::{Layer, Network, Op, networks};
use candle_core::{DType, Device, Tensor};
use candle_nn::{Optimizer, SGD, VarBuilder, VarMap, loss};

/// A network in small, on small images.
fn small(name: &str, side: usize) -> Network {
    let mut network = networks::get(name).unwrap();
    (network.input.height, network.input.width) = (side, side);
    network.shrunk(16, 4).unwrap()
}

fn batch(side: usize) -> (Tensor, Tensor) {
    let x = Tensor::randn(0f32, 1.0, (8, 3, side, side), &Device::Cpu).unwrap();
    let classes = Tensor::new(&[0u32, 1, 2, 3, 0, 1, 2, 3], &Device::Cpu).unwrap();
    (x, classes)
}

/// Eight images of noise are learnt by heart: through both norms, groups, uneven padding, overlapping and rounded-up pools.
#[test]
fn every_network_learns_a_batch_by_heart() {
    for (name, side) in
        [("torchvision", 64), ("paper", 64), ("krizhevsky-2012", 64), ("caffenet", 67), ("single-column-bn", 64)]
    {
        let network = small(name, side);
        let parameters = VarMap::new();
        let model = AlexNet::new(&network, VarBuilder::from_varmap(&parameters, DType::F32, &Device::Cpu)).unwrap();
        let (x, classes) = batch(side);
        let mut optimiser = SGD::new(parameters.all_vars(), 0.02).unwrap();
        let loss_now = || loss::cross_entropy(&model.forward(&x).unwrap(), &classes).unwrap();
        let before = loss_now().to_scalar::<f32>().unwrap();
        for _ in 0..25 {
            // Without dropout, so that the loss falls steadily.
            optimiser.backward_step(&loss_now()).unwrap();
        }
        let after = loss_now().to_scalar::<f32>().unwrap();
        assert!(after < 0.6 * before, "{name}: {before} to {after}");
    }
}

#[test]
fn every_parameter_gets_a_gradient() {
    for entry in networks::ALL {
        // The least that leaves a pixel after the pools where conv1 isn't padded.
        let unpadded =
            |layer: &Layer| matches!(&layer.op, Op::Conv2d(conv) if layer.name == "conv1" && conv.pads == [0; 4]);
        let side = if networks::get(entry.name).unwrap().layers.iter().any(unpadded) { 67 } else { 64 };
        let network = small(entry.name, side);
        let parameters = VarMap::new();
        let model = AlexNet::new(&network, VarBuilder::from_varmap(&parameters, DType::F32, &Device::Cpu)).unwrap();
        let (x, classes) = batch(side);
        let gradients = loss::cross_entropy(&model.forward(&x).unwrap(), &classes).unwrap().backward().unwrap();
        let vars = parameters.data().lock().unwrap();
        assert_eq!(vars.len(), network.parameters().unwrap().len());
        for (name, var) in vars.iter() {
            assert_eq!(gradients.get(var).is_some(), !name.contains("running"), "{} {name}", entry.name);
        }
    }
}

#[test]
fn dropout_drops_in_training_alone() {
    let network = small("torchvision", 64);
    let parameters = VarMap::new();
    let model = AlexNet::new(&network, VarBuilder::from_varmap(&parameters, DType::F32, &Device::Cpu)).unwrap();
    let (x, _) = batch(64);
    let logits = |train| model.forward_t(&x, train).unwrap().flatten_all().unwrap().to_vec1::<f32>().unwrap();
    assert_eq!(logits(false), logits(false));
    assert_ne!(logits(true), logits(true));
}

/// PyTorch: running = 0.9 * running + 0.1 * batch, with the unbiased variance.
#[test]
fn batch_norm_follows_the_batch_in_training_alone() {
    let network = small("single-column-bn", 64);
    let parameters = VarMap::new();
    let model = AlexNet::new(&network, VarBuilder::from_varmap(&parameters, DType::F32, &Device::Cpu)).unwrap();
    let (x, _) = batch(64);
    let mean = || parameters.data().lock().unwrap()["norm1.running_mean"].to_vec1::<f32>().unwrap();
    model.forward(&x).unwrap();
    assert!(mean().iter().all(|mean| *mean == 0.0));
    let seen = model.forward_layer("relu1", &model.forward_layer("conv1", &x).unwrap()).unwrap();
    let expected = seen.mean((0, 2, 3)).unwrap().to_vec1::<f32>().unwrap();
    model.forward_t(&x, true).unwrap();
    for (mean, expected) in mean().into_iter().zip(expected) {
        assert!((mean - 0.1 * expected).abs() < 1e-5, "{mean} {expected}");
    }
}

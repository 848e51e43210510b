//! Each kind shows the mistakes that it is there for.

use super::*;
use crate::array::Array;
use crate::compare::{self, Metrics, Place, Precision, Tolerance};
use alexnet::AlexNet;
use alexnet_spec::layers::{Conv2d, LocalResponseNorm};
use alexnet_spec::{Network, Op, Tensor, Weights, networks};
use candle_core::Device;

fn contract(network: &Network) -> Contract {
    Contract {
        input: network.input.clone(),
        preprocessing: Some(network.preprocessing.clone()),
        network: Some(network.clone()),
    }
}

fn find<'a>(fixtures: &'a [Fixture], name: &str) -> &'a Array {
    &fixtures.iter().find(|fixture| fixture.name == name).unwrap_or_else(|| panic!("no input `{name}`")).input
}

#[test]
fn noise_spans_the_range_of_the_preprocessing() {
    let fixtures = builtin(&contract(&networks::get("bvlc").unwrap())).unwrap();
    let blue = &find(&fixtures, "noise").data[..227 * 227];
    let (low, high) = blue.iter().fold((f32::MAX, f32::MIN), |(l, h), v| (l.min(*v), h.max(*v)));
    assert!((-104.0..-103.9).contains(&low) && (150.9..=151.0).contains(&high), "{low} {high}");
}

/// What torchvision 0.25 makes of the photograph; a decoder may differ by three of 255 levels.
#[test]
fn photographs_are_preprocessed_as_the_network_was_trained() {
    let fixtures = builtin(&contract(&networks::get("torchvision").unwrap())).unwrap();
    let photograph = find(&fixtures, "photograph of a cup");
    assert_eq!(photograph.shape, [1, 3, 224, 224]);
    for (channel, row, column, expected) in EXPECTED {
        let found = photograph.data[(channel * 224 + row) * 224 + column];
        assert!((found - expected).abs() < 3.1 / 255.0 / 0.224, "{channel} {row} {column}: {found} for {expected}");
    }
}

const EXPECTED: [(usize, usize, usize, f32); 5] =
    [(0, 0, 0, 0.3823), (0, 112, 112, 2.1462), (1, 50, 200, -0.2675), (2, 223, 223, -1.0027), (2, 100, 30, -1.5430)];

#[test]
fn impulses_are_single_pixels_and_the_mean_is_zero() {
    let network = networks::get("bvlc").unwrap();
    let fixtures = named("builtin:impulses", &contract(&network)).unwrap();
    assert_eq!(fixtures.len(), 1 + 3 * 9);
    let lit = |fixture: &Fixture| {
        let data = fixture.input.data.iter().enumerate().filter(|(_, value)| **value != 0.0);
        data.map(|(at, value)| (at / (227 * 227), at / 227 % 227, at % 227, *value)).collect::<Vec<_>>()
    };
    // BGR less the mean colour of Caffe's networks.
    let (blue, green, red) = (255.0 - 104.0, 255.0 - 117.0, 255.0 - 123.0);
    assert_eq!(lit(&fixtures[0]), [(0, 0, 0, blue), (1, 226, 226, green), (2, 113, 226, red)]);
    assert_eq!(lit(&fixtures[27]), [(2, 226, 226, red)]);
}

#[test]
fn an_area_of_the_mean_is_zero_and_never_the_whole_input() {
    let fixtures = named("builtin:constants", &contract(&networks::get("bvlc").unwrap())).unwrap();
    let row = &fixtures[0].input.data[..227];
    assert_eq!([row[0], row[75], row[76], row[151], row[152], row[226]], [-104.0, -104.0, 0.0, 0.0, 151.0, 151.0]);
    assert!(fixtures.iter().all(|fixture| fixture.input.data.iter().any(|value| *value != 0.0)));
}

#[test]
fn all_inputs_are_finite_in_half_precision_and_have_names_of_their_own() {
    for entry in networks::ALL {
        let fixtures = named("builtin:all", &contract(&networks::get(entry.name).unwrap())).unwrap();
        for (index, fixture) in fixtures.iter().enumerate() {
            let largest = fixture.input.data.iter().fold(0.0f32, |m, value| m.max(value.abs()));
            assert!(largest > 0.0 && largest < 65_504.0 / 8.0, "{}, {}: {largest}", entry.name, fixture.name);
            assert!(fixtures[..index].iter().all(|f| f.name != fixture.name), "{} twice", fixture.name);
        }
    }
}

#[test]
fn a_kind_that_is_not_there_is_an_error_that_lists_those_that_are() {
    let error = named("builtin:nosie", &contract(&networks::get("bvlc").unwrap())).err().unwrap().to_string();
    assert!(error.contains("`nosie`") && error.contains("noise") && error.contains("extremes"), "{error}");
}

#[test]
fn networks_of_other_than_three_colours_have_inputs_too() {
    let contract = Contract {
        input: alexnet_spec::Input { channels: 1, height: 300, width: 300 },
        preprocessing: None,
        network: None,
    };
    assert!(builtin(&contract).unwrap().iter().all(|fixture| fixture.input.shape == [1, 1, 300, 300]));
    assert!(named("builtin:photographs", &contract).is_err());
}

/// A narrow network with weights as PyTorch initialises them: what trained ones have in common with them is their size.
fn subject(name: &str) -> (Network, Weights) {
    let network = networks::get(name).unwrap().shrunk(4, 10).unwrap();
    let mut random = random::SplitMix(7);
    let mut bound = 1.0;
    let tensors = network.parameters().unwrap().into_iter().map(|parameter| {
        if let [_, rest @ ..] = parameter.shape.as_slice()
            && !rest.is_empty()
        {
            bound = (rest.iter().product::<usize>() as f64).sqrt().recip();
        }
        let values: Vec<f32> =
            (0..parameter.elements()).map(|_| ((2.0 * random.unit() - 1.0) * bound) as f32).collect();
        (parameter.name, Tensor::from_f32(parameter.shape, &values).unwrap())
    });
    let weights = Weights::new(&network, tensors.collect()).unwrap();
    (network, weights)
}

fn scale(weights: &Weights, network: &Network, name: &str, factor: f32) -> Weights {
    let scaled = weights.iter().map(|(own, tensor)| {
        let factor = if own == name { factor } else { 1.0 };
        let values: Vec<f32> = tensor.to_f32().unwrap().iter().map(|value| value * factor).collect();
        (own.to_owned(), Tensor::from_f32(tensor.shape().to_vec(), &values).unwrap())
    });
    Weights::new(network, scaled.collect()).unwrap()
}

/// The network with every layer of a kind changed; the weights stay.
fn with<'a, T: 'a>(
    (network, weights): &(Network, Weights),
    kind: fn(&mut Op) -> Option<&mut T>,
    change: fn(&mut T),
) -> (Network, Weights) {
    let mut network = network.clone();
    network.layers.iter_mut().filter_map(|layer| kind(&mut layer.op)).for_each(change);
    (network, weights.clone())
}

fn norm(op: &mut Op) -> Option<&mut LocalResponseNorm> {
    match op {
        Op::LocalResponseNorm(norm) => Some(norm),
        _ => None,
    }
}

fn strided(op: &mut Op) -> Option<&mut Conv2d> {
    match op {
        Op::Conv2d(conv) if conv.stride[0] > 1 => Some(conv),
        _ => None,
    }
}

/// How far the mutant's logits are from the right ones, as a share of what is allowed.
fn severity(fixture: &Fixture, right: &(Network, Weights), mutant: &(Network, Weights)) -> f64 {
    let run = |(network, weights): &(Network, Weights)| {
        let model = AlexNet::from_weights(network, weights, candle_core::DType::F32, &Device::Cpu).unwrap();
        Array::from_candle(&model.forward(&fixture.input.to_candle(&Device::Cpu).unwrap()).unwrap()).unwrap()
    };
    let place = Place { precision: Precision::F32, device: compare::Device::Cpu, layer: None, reorders_sums: false };
    Metrics::compare(&run(right), &run(mutant), Tolerance::default_for(&place)).unwrap().severity()
}

#[test]
fn every_kind_shows_its_mistakes() {
    let (bytes, units, norms) = (subject("bvlc"), subject("torchvision"), subject("pytorchcv-alexnet"));
    let nudged = (bytes.0.clone(), scale(&bytes.1, &bytes.0, "conv1.bias", 1.01));
    let alpha = with(&norms, norm, |norm| norm.alpha *= 1.01);
    let side = with(&units, strided, |conv| conv.pads = [3, 3, 1, 1]);
    // The mistake, the inputs that are there for it, and the one that hides it.
    let cases = [
        ("a bias of a network for bytes", &bytes, nudged, &["noise /1000"][..], Some("noise")),
        ("alpha of a network for small values", &norms, alpha, &["noise x20"], Some("noise")),
        ("the side of a padding", &units, side, &["impulses", "black, mean and white"], None),
    ];
    for (mistake, right, mutant, shown, hidden) in cases {
        let fixtures = builtin(&contract(&right.0)).unwrap();
        let of = |name: &str| severity(fixtures.iter().find(|f| f.name == name).unwrap(), right, &mutant);
        for input in shown {
            assert!(of(input) > 1.0, "{mistake} doesn't show under {input}: {}", of(input));
        }
        if let Some(input) = hidden {
            assert!(of(input) < 1.0, "{mistake} shows under {input} already: {}", of(input));
        }
    }
}

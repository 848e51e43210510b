//! The forward pass as a plan on a CUDA device against the layers on a CPU, one by one. Built only with the feature
//! `cudnn`, and for a machine that has a GPU:
//!
//! ```text
//! cargo test --release -p alexnet --features cuda,cudnn --test gpu_forward
//! ```
//!
//! Without a GPU these tests fail, and say what is missing: a test that was not run has not passed.

use alexnet::spec::layers::{Conv2d, Flatten, Linear, LocalResponseNorm, MaxPool2d, Relu, Rounding};
use alexnet::spec::{Layer, Network, networks};
use alexnet::{AlexNet, DeviceError, device};
use candle_core::cuda::set_gemm_reduced_precision_f32;
use candle_core::{DType, Device, Tensor, Var};
use candle_nn::{VarBuilder, VarMap};
use std::collections::HashMap;
use std::sync::{LazyLock, Mutex, MutexGuard};

/// One device for all tests: compiling the kernels for it takes seconds.
fn gpu() -> &'static Device {
    static GPU: LazyLock<Result<Device, DeviceError>> = LazyLock::new(|| device("cuda"));
    match &*GPU {
        Ok(device) => device,
        Err(error) => panic!("this test needs a GPU: {error}"),
    }
}

/// What is computed in, and how far the result may be from sums in f32, as a part of the largest value.
///
/// Half a unit in the last place is 2^-12 of a value in f16, 2^-9 in bf16, 2^-11 in TF32, whose products are summed in f32.
/// Eight layers round their weights' products or their outputs so, each about its own mean: a few such units remain.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Arithmetic {
    name: &'static str,
    dtype: DType,
    tf32: bool,
    tolerance: f64,
}

const F32: Arithmetic = Arithmetic { name: "f32", dtype: DType::F32, tf32: false, tolerance: 2e-5 };
const ARITHMETICS: [Arithmetic; 4] = [
    F32,
    Arithmetic { name: "tf32", dtype: DType::F32, tf32: true, tolerance: 4e-3 },
    Arithmetic { name: "f16", dtype: DType::F16, tf32: false, tolerance: 4e-3 },
    Arithmetic { name: "bf16", dtype: DType::BF16, tf32: false, tolerance: 3e-2 },
];

/// Tests run one at a time: TF32 is a switch of the whole process, off again when this goes.
struct Turn(#[allow(dead_code)] MutexGuard<'static, ()>);

impl Turn {
    fn with(arithmetic: Arithmetic) -> Turn {
        static TURN: Mutex<()> = Mutex::new(());
        let turn = Turn(TURN.lock().unwrap_or_else(|poisoned| poisoned.into_inner()));
        set_gemm_reduced_precision_f32(arithmetic.tf32);
        turn
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        set_gemm_reduced_precision_f32(false);
    }
}

/// Numbers from -scale to scale without a pattern, on the CPU.
fn numbers(dims: &[usize], seed: usize, scale: f64) -> Tensor {
    let count: usize = dims.iter().product();
    let at = |i: usize| (((i + 1 + 100 * seed) as f64 * 0.618_033_988_749_894_9).fract() * 2.0 - 1.0) * scale;
    Tensor::from_vec((0..count).map(|i| at(i) as f32).collect::<Vec<_>>(), dims, &Device::Cpu).unwrap()
}

/// Weights that keep the values' size from layer to layer, rounded to what `dtype` holds.
fn weights(network: &Network, dtype: DType) -> HashMap<String, Tensor> {
    let parameters = network.parameters().unwrap().into_iter().enumerate();
    let make = |(index, parameter): (usize, alexnet::spec::Parameter)| {
        let fan_in: usize = parameter.shape.iter().skip(1).product();
        let scale = if parameter.shape.len() > 1 { (6.0 / fan_in as f64).sqrt() } else { 0.1 };
        let values = numbers(&parameter.shape, index, scale).to_dtype(dtype).unwrap().to_dtype(DType::F32).unwrap();
        (parameter.name, values)
    };
    parameters.map(make).collect()
}

fn model(network: &Network, weights: &HashMap<String, Tensor>, dtype: DType, device: &Device) -> AlexNet {
    AlexNet::new(network, VarBuilder::from_tensors(weights.clone(), dtype, device)).unwrap()
}

fn input(network: &Network, batch: usize, dtype: DType) -> Tensor {
    let input = &network.input;
    let x = numbers(&[batch, input.channels, input.height, input.width], 7, 2.0);
    x.to_dtype(dtype).unwrap().to_dtype(DType::F32).unwrap()
}

/// What the layers make of `x` on a CPU, one by one, in f32.
fn expected(network: &Network, weights: &HashMap<String, Tensor>, x: &Tensor) -> Tensor {
    model(network, weights, DType::F32, &Device::Cpu).forward_with_taps(x, &mut |_, _| Ok(())).unwrap()
}

fn planned(model: &AlexNet, x: &Tensor) -> Tensor {
    let x = x.to_device(gpu()).unwrap().to_dtype(model.dtype()).unwrap();
    model.forward_planned(&x).unwrap()
}

fn values(tensor: &Tensor) -> Vec<f64> {
    tensor.to_device(&Device::Cpu).unwrap().to_dtype(DType::F64).unwrap().flatten_all().unwrap().to_vec1().unwrap()
}

#[track_caller]
fn assert_close(what: &str, actual: &Tensor, expected: &Tensor, tolerance: f64) {
    assert_eq!(actual.dims(), expected.dims(), "{what}");
    let (actual, expected) = (values(actual), values(expected));
    let largest = expected.iter().fold(0.0_f64, |largest, value| largest.max(value.abs()));
    assert!(largest > 0.0, "{what}: nothing to compare");
    for (index, (a, e)) in actual.iter().zip(&expected).enumerate() {
        assert!((a - e).abs() <= tolerance * largest, "{what}: element {index} is {a}, not {e} (largest {largest})");
    }
}

#[track_caller]
fn check(what: &str, network: &Network, batches: &[usize]) {
    for arithmetic in ARITHMETICS {
        let _turn = Turn::with(arithmetic);
        let weights = weights(network, arithmetic.dtype);
        let model = model(network, &weights, arithmetic.dtype, gpu());
        for &batch in batches {
            let x = input(network, batch, arithmetic.dtype);
            let what = format!("{what}, batch {batch}, {}", arithmetic.name);
            let expected = expected(network, &weights, &x);
            // Launched one by one at first, replayed as a graph after that.
            for pass in ["first", "second"] {
                assert_close(&format!("{what}, {pass} pass"), &planned(&model, &x), &expected, arithmetic.tolerance);
            }
        }
        let plans = format!("{model:?}");
        assert_eq!(plans.matches("as one graph").count(), batches.len(), "{what}: {plans}");
    }
}

/// Layers alone, over an input of `[channels, height, width]`.
fn network(input: [usize; 3], layers: Vec<Layer>) -> Network {
    let mut network = networks::get("torchvision").unwrap();
    [network.input.channels, network.input.height, network.input.width] = input;
    network.layers = layers;
    network.labels = Default::default();
    network
}

fn conv(out: usize, kernel: [usize; 2], stride: [usize; 2], pads: [usize; 4], groups: usize) -> Layer {
    Layer::new("conv", Conv2d { out, kernel, stride, pads, groups })
}

#[test]
fn convolutions_with_bias_and_relu_agree_with_the_cpu() {
    for (what, input, conv) in [
        ("conv1 in blocks", [3, 35, 31], conv(16, [11, 11], [4, 4], [2; 4], 1)),
        ("uneven padding", [3, 30, 29], conv(16, [5, 3], [2, 2], [0, 1, 3, 2], 1)),
        ("unequal strides", [3, 21, 20], conv(8, [3, 4], [2, 3], [1, 0, 1, 0], 1)),
        ("one channel", [1, 16, 17], conv(8, [3, 3], [1, 1], [1; 4], 1)),
        ("groups", [3, 13, 13], conv(24, [3, 3], [1, 1], [1; 4], 3)),
        ("an odd number of outputs", [3, 13, 11], conv(7, [5, 5], [1, 1], [2; 4], 1)),
        ("1 x 1", [3, 9, 9], conv(8, [1, 1], [1, 1], [0; 4], 1)),
    ] {
        check(what, &network(input, vec![conv.clone()]), &[1, 3]);
        check(&format!("{what}, relu"), &network(input, vec![conv, Layer::new("relu", Relu {})]), &[1, 3]);
    }
}

#[test]
fn norms_and_pools_in_any_order_agree_with_the_cpu() {
    let norm = |size, groups| Layer::new("norm", LocalResponseNorm { size, alpha: 1.5, beta: 0.75, k: 2.0, groups });
    let relu = || Layer::new("relu", Relu {});
    let pool = |pool: MaxPool2d| Layer::new("pool", pool);
    let overlapping = MaxPool2d::overlapping;
    let padded = MaxPool2d { kernel: [3, 2], stride: [2, 1], pads: [2, 1, 0, 0], rounding: Rounding::Floor };
    for (what, following) in [
        ("relu, norm, pool", vec![relu(), norm(5, 1), pool(overlapping())]),
        ("relu, pool, norm", vec![relu(), pool(overlapping().rounded_up()), norm(5, 2)]),
        ("norm, pool, relu", vec![norm(4, 2), pool(overlapping()), relu()]),
        ("pool, relu", vec![pool(padded.clone()), relu()]),
        ("norm", vec![norm(3, 1)]),
        ("pool, norm", vec![pool(padded), norm(17, 4)]),
    ] {
        let first = conv(16, [5, 5], [2, 2], [2; 4], 1);
        check(what, &network([3, 40, 37], [vec![first], following].concat()), &[1, 3]);
    }
}

#[test]
fn fully_connected_layers_agree_with_the_cpu() {
    for (features, classes) in [(64, 10), (33, 7), (1000, 5)] {
        let layers = vec![
            conv(8, [3, 3], [2, 2], [1; 4], 1),
            Layer::new("flatten", Flatten {}),
            Layer::new("fc1", Linear { out: features }),
            Layer::new("relu", Relu {}),
            Layer::new("fc2", Linear { out: classes }),
        ];
        check(&format!("{features} features"), &network([3, 18, 14], layers), &[1, 3, 32]);
    }
}

#[test]
fn full_networks_agree_with_the_cpu() {
    for name in ["torchvision", "paper"] {
        check(name, &networks::get(name).unwrap(), &[1, 3, 32]);
    }
}

#[test]
fn every_network_agrees_in_small() {
    for &networks::Entry { name, network } in networks::ALL {
        let network = network().shrunk(4, 10).unwrap();
        if !["krizhevsky-2012", "single-column-bn", "deepcluster"].contains(&name) {
            check(name, &network, &[2]);
            continue;
        }
        // These run layer by layer, and `forward` doesn't show it.
        let _turn = Turn::with(F32);
        let weights = weights(&network, DType::F32);
        let x = input(&network, 2, DType::F32).to_device(gpu()).unwrap();
        let model = model(&network, &weights, DType::F32, gpu());
        let why = model.forward_planned(&x).unwrap_err().to_string();
        assert!(why.contains("has no plan for CUDA: layer `"), "{why}");
        model.forward(&x).unwrap();
    }
}

#[test]
fn passes_of_many_sizes_by_turns_give_the_same_bits() {
    let _turn = Turn::with(F32);
    let network = networks::get("paper").unwrap().shrunk(4, 10).unwrap();
    let weights = weights(&network, DType::F16);
    let model = model(&network, &weights, DType::F16, gpu());
    let whole = input(&network, 6, DType::F16);
    // More sizes than plans are kept; slices that start within the batch.
    let of = |size: usize| planned(&model, &whole.narrow(0, 6 - size, size).unwrap());
    let first: Vec<_> = (1..=6).map(|size| values(&of(size))).collect();
    for size in [3, 1, 6, 2, 2, 5, 4, 1] {
        assert_eq!(values(&of(size)), first[size - 1], "batch {size}");
    }
}

#[test]
fn one_image_does_not_reach_another() {
    let _turn = Turn::with(F32);
    let network = networks::get("caffenet").unwrap().shrunk(4, 10).unwrap();
    let weights = weights(&network, DType::F32);
    let model = model(&network, &weights, DType::F32, gpu());
    let x = input(&network, 3, DType::F32);
    let clean = values(&planned(&model, &x));
    let nan = (x.narrow(0, 1, 1).unwrap() * f64::NAN).unwrap();
    let x = Tensor::cat(&[x.narrow(0, 0, 1).unwrap(), nan, x.narrow(0, 2, 1).unwrap()], 0).unwrap();
    let soiled = values(&planned(&model, &x));
    assert_eq!((&soiled[..10], &soiled[20..]), (&clean[..10], &clean[20..]));
}

#[test]
fn variables_are_never_stale() {
    let _turn = Turn::with(F32);
    let network = networks::get("torchvision").unwrap().shrunk(16, 5).unwrap();
    let map = VarMap::new();
    let model = AlexNet::new(&network, VarBuilder::from_varmap(&map, DType::F32, gpu())).unwrap();
    let x = input(&network, 2, DType::F32).to_device(gpu()).unwrap();
    let why = model.forward_planned(&x).unwrap_err().to_string();
    assert!(why.contains("has variables"), "{why}");
    model.forward(&x).unwrap();
    for var in map.all_vars() {
        var.set(&var.zeros_like().unwrap()).unwrap();
    }
    assert!(values(&model.forward(&x).unwrap()).iter().all(|logit| *logit == 0.0));
}

#[test]
fn a_gradient_passes_through_a_model_that_has_plans() {
    let _turn = Turn::with(F32);
    let network = networks::get("torchvision").unwrap().shrunk(16, 5).unwrap();
    let model = model(&network, &weights(&network, DType::F32), DType::F32, gpu());
    let x = input(&network, 2, DType::F32);
    planned(&model, &x);
    let x = Var::from_tensor(&x.to_device(gpu()).unwrap()).unwrap();
    let gradients = model.forward(&x).unwrap().sum_all().unwrap().backward().unwrap();
    assert!(values(gradients.get(&x).unwrap()).iter().any(|slope| *slope != 0.0));
}

#[test]
fn threads_share_a_model() {
    let _turn = Turn::with(F32);
    let network = networks::get("paper").unwrap().shrunk(4, 10).unwrap();
    let model = model(&network, &weights(&network, DType::F32), DType::F32, gpu());
    let x = input(&network, 4, DType::F32);
    let alone: Vec<_> = (1..=4).map(|size| values(&planned(&model, &x.narrow(0, 0, size).unwrap()))).collect();
    std::thread::scope(|scope| {
        for size in 1..=4 {
            let (model, x, alone) = (&model, &x, &alone);
            scope.spawn(move || {
                for _ in 0..50 {
                    assert_eq!(values(&planned(model, &x.narrow(0, 0, size).unwrap())), alone[size - 1]);
                }
            });
        }
    });
}

/// candle's usual device has a stream for each thread.
#[test]
fn a_device_with_a_stream_for_each_thread_has_plans_for_each() {
    let _turn = Turn::with(F32);
    gpu();
    let device = Device::new_cuda(0).unwrap();
    let network = networks::get("torchvision").unwrap().shrunk(16, 5).unwrap();
    let model = model(&network, &weights(&network, DType::F32), DType::F32, &device);
    let x = input(&network, 2, DType::F32);
    device.synchronize().unwrap();
    let pass = || values(&model.forward_planned(&x.to_device(&device).unwrap()).unwrap());
    let here = pass();
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| (0..20).for_each(|_| assert_eq!(pass(), here)));
        }
    });
}

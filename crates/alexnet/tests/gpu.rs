//! Every operation and every network on a CUDA device: the operations against the CPU's kernels, the networks against
//! PyTorch's answers in `fixtures/goldens`. Built only with the feature `cuda`, and for a machine that has a GPU:
//!
//! ```text
//! cargo test --release -p alexnet --features cuda,cudnn --test gpu
//! ```
//!
//! Without a GPU these tests fail, and say what is missing: a test that was not run has not passed.
//!
//! f32 convolutions may run as TF32, with 10 bits of fraction, where cuDNN finds it faster; `NVIDIA_TF32_OVERRIDE=0` in
//! the environment forbids it. The tolerances of the networks allow for it.

use alexnet::layers::{LocalResponseNorm, MaxPool2d, SpatialResponseNorm};
use alexnet::spec::layers::{self as spec, Rounding};
use alexnet::spec::{Network, networks};
use alexnet::{AlexNet, DeviceError, device};
use candle_core::{DType, Device, Tensor, Var};
use candle_nn::{Module, VarBuilder};
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

/// One device for all tests: compiling the kernels for it takes seconds.
fn gpu() -> &'static Device {
    static GPU: LazyLock<Result<Device, DeviceError>> = LazyLock::new(|| device("cuda"));
    match &*GPU {
        Ok(device) => device,
        Err(error) => panic!("this test needs a GPU: {error}"),
    }
}

const TYPES: [DType; 4] = [DType::F64, DType::F32, DType::F16, DType::BF16];

/// How far a kernel may be from the CPU's, as a part of the largest value: both compute the same formula, f16 and bf16 in
/// f32, and round once, so that a unit in the last place, 2^-10 and 2^-7, separates neighbours.
fn tolerance(dtype: DType) -> f64 {
    match dtype {
        DType::F64 => 1e-13,
        DType::F32 => 2e-6,
        DType::F16 => 2.0_f64.powi(-10),
        _ => 2.0_f64.powi(-7),
    }
}

#[track_caller]
fn assert_close(what: &str, actual: &Tensor, expected: &Tensor, tolerance: f64) {
    assert_eq!(actual.dims(), expected.dims(), "{what}");
    let values = |tensor: &Tensor| -> candle_core::Result<Vec<f64>> {
        tensor.to_device(&Device::Cpu)?.to_dtype(DType::F64)?.flatten_all()?.to_vec1()
    };
    let (actual, expected) = (values(actual).unwrap(), values(expected).unwrap());
    let largest = expected.iter().fold(0.0_f64, |largest, value| largest.max(value.abs()));
    for (index, (a, e)) in actual.iter().zip(&expected).enumerate() {
        assert!((a - e).abs() <= tolerance * largest, "{what}: element {index} is {a}, not {e} (largest {largest})");
    }
}

/// Numbers from -2 to 2 without a pattern, on the CPU.
fn numbers(dims: &[usize], dtype: DType) -> Tensor {
    let count: usize = dims.iter().product();
    let values: Vec<f64> = (1..=count).map(|i| (i as f64 * 0.618_033_988_749_894_9).fract() * 4.0 - 2.0).collect();
    Tensor::from_vec(values, dims, &Device::Cpu).and_then(|tensor| tensor.to_dtype(dtype)).unwrap()
}

/// A layer's output, and the gradient of its input when the output's is `numbers`.
fn run(layer: &dyn Module, x: &Tensor, device: &Device) -> candle_core::Result<(Tensor, Tensor)> {
    let x = Var::from_tensor(&x.to_device(device)?)?;
    let y = layer.forward(&x)?;
    let weights = numbers(y.dims(), y.dtype()).to_device(device)?;
    let gradients = (&y * weights)?.sum_all()?.backward()?;
    let dx = gradients.get(&x).expect("the layer passes a gradient on").clone();
    Ok((y.detach(), dx))
}

fn check(layer: &dyn Module, what: &str, dims: &[usize]) {
    for dtype in TYPES {
        let what = format!("{what} {dims:?} {dtype:?}");
        let x = numbers(dims, dtype);
        let [(y, dx), (expected_y, expected_dx)] = [gpu(), &Device::Cpu].map(|device| run(layer, &x, device).unwrap());
        assert_close(&what, &y, &expected_y, tolerance(dtype));
        assert_close(&format!("gradient of {what}"), &dx, &expected_dx, tolerance(dtype));
    }
}

#[test]
fn local_response_norm_agrees_with_the_cpu() {
    for (size, beta, groups) in [(5, 0.75, 1), (5, 0.75, 2), (4, 0.5, 1), (1, 1.0, 3), (9, 0.75, 6)] {
        let norm = spec::LocalResponseNorm { size, alpha: 1.5, beta, k: 2.0, groups };
        for dims in [[2, 6, 13, 13], [1, 12, 27, 1], [3, 6, 1, 1]] {
            check(&LocalResponseNorm::new(&norm), &format!("{norm:?}"), &dims);
        }
    }
}

#[test]
fn spatial_response_norm_agrees_with_the_cpu() {
    for (size, beta) in [(5, 0.75), (4, 0.75), (3, 1.25), (1, 0.5)] {
        let norm = spec::SpatialResponseNorm { size, alpha: 1.5, beta, k: 1.0 };
        for dims in [[2, 3, 13, 13], [1, 2, 27, 2]] {
            check(&SpatialResponseNorm::new(&norm), &format!("{norm:?}"), &dims);
        }
    }
}

#[test]
fn max_pool_agrees_with_the_cpu() {
    let pool = |kernel, stride, pads, rounding| spec::MaxPool2d { kernel, stride, pads, rounding };
    let pools = [
        spec::MaxPool2d::overlapping(),
        spec::MaxPool2d::overlapping().rounded_up(),
        pool([2, 3], [1, 2], [1, 0, 0, 2], Rounding::Floor),
        pool([2, 2], [3, 3], [0; 4], Rounding::Ceil),
    ];
    for pool in pools {
        for dims in [[2, 3, 13, 13], [1, 2, 8, 27]] {
            check(&MaxPool2d::new(&pool), &format!("{pool:?}"), &dims);
        }
    }
}

/// CUDA launches at most 65,535 blocks along y.
#[test]
fn more_maps_than_a_grid_has_blocks_are_all_computed() {
    let dims = [2, 70_000, 3, 3];
    check(&MaxPool2d::new(&spec::MaxPool2d::overlapping()), "pool", &dims);
    let norm = spec::LocalResponseNorm { size: 5, alpha: 1.5, beta: 0.75, k: 1.0, groups: 2 };
    check(&LocalResponseNorm::new(&norm), "norm", &dims);
}

#[test]
fn slices_and_transposes_are_read_where_they_lie() {
    let norm = LocalResponseNorm::new(&spec::LocalResponseNorm { size: 3, alpha: 1.5, beta: 0.75, k: 1.0, groups: 1 });
    let x = numbers(&[3, 4, 5, 6], DType::F32);
    for (what, view) in [("slice", x.narrow(0, 1, 2).unwrap()), ("transpose", x.transpose(1, 3).unwrap())] {
        let y = norm.forward(&view.to_device(gpu()).unwrap()).unwrap();
        assert_close(what, &y, &norm.forward(&view).unwrap(), tolerance(DType::F32));
        // The same view made on the device, with its offset or strides.
        let on_gpu = x.to_device(gpu()).unwrap();
        let view = if what == "slice" { on_gpu.narrow(0, 1, 2) } else { on_gpu.transpose(1, 3) };
        assert_close(what, &norm.forward(&view.unwrap()).unwrap(), &y, 0.0);
    }
}

#[test]
fn a_backward_pass_gives_the_same_bits_every_time() {
    let pool = MaxPool2d::new(&spec::MaxPool2d::overlapping());
    let x = numbers(&[8, 16, 27, 27], DType::F32);
    let (_, first) = run(&pool, &x, gpu()).unwrap();
    for _ in 0..5 {
        assert_close("second run", &run(&pool, &x, gpu()).unwrap().1, &first, 0.0);
    }
}

/// `ALEXNET_FIXTURES` says where they are on a machine other than the one that built these tests.
fn fixtures() -> PathBuf {
    let here = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures");
    std::env::var_os("ALEXNET_FIXTURES").map_or_else(here, PathBuf::from)
}

/// The network with the widths of the fixture's weights.
fn tiny(network: Network, weights: &[u8]) -> Network {
    let weights = candle_core::safetensors::load_buffer(weights, &Device::Cpu).unwrap();
    network.fitted(|parameter| weights.get(parameter).map(Tensor::dims)).unwrap()
}

/// Every layer's output for the photograph, and the logits of the batch, against PyTorch's on a CPU. TF32 and the order of
/// sums part them by a few thousandths of the largest; any wrong constant does by a hundredth or more.
#[test]
fn every_network_agrees_with_pytorch_layer_by_layer() {
    const TOLERANCE: f64 = 5e-3;
    for &networks::Entry { name, network } in networks::ALL {
        let golden = std::fs::read(fixtures().join(format!("goldens/{name}.safetensors"))).unwrap();
        let (_, header) = safetensors::SafeTensors::read_metadata(&golden).unwrap();
        let input = header.metadata().as_ref().and_then(|metadata| metadata.get("input")).unwrap();
        let input = candle_core::safetensors::load(fixtures().join(input), gpu()).unwrap();
        let golden = candle_core::safetensors::load_buffer(&golden, &Device::Cpu).unwrap();

        let weights = std::fs::read(fixtures().join(format!("networks/{name}.safetensors"))).unwrap();
        let network = tiny(network(), &weights);
        let weights = VarBuilder::from_buffered_safetensors(weights, DType::F32, gpu()).unwrap();
        let model = AlexNet::new(&network, weights).unwrap();

        let logits = model.forward(&input["input"]).unwrap();
        assert_close(&format!("{name}: logits"), &logits, &golden["logits"], TOLERANCE);

        let photograph = input["input"].narrow(0, 0, 1).unwrap();
        let mut compared = 0;
        let mut compare = |layer: &str, output: &Tensor| {
            if let Some(expected) = golden.get(layer) {
                assert_close(&format!("{name}: {layer}"), output, expected, TOLERANCE);
                compared += 1;
            }
            Ok(())
        };
        model.forward_with_taps(&photograph, &mut compare).unwrap();
        assert_eq!(compared, network.layers.len(), "{name}: layers with a golden");
    }
}

/// The 16-bit types against f32 on the CPU: a few per cent of the largest, since candle's convolutions sum in 16 bits.
#[test]
fn every_network_runs_in_16_bits() {
    for &networks::Entry { name, network } in networks::ALL {
        let weights = std::fs::read(fixtures().join(format!("networks/{name}.safetensors"))).unwrap();
        let network = tiny(network(), &weights);
        let model = |dtype, device: &Device| {
            let weights = VarBuilder::from_buffered_safetensors(weights.clone(), dtype, device).unwrap();
            AlexNet::new(&network, weights).unwrap()
        };
        let input = &network.input;
        let x = numbers(&[2, input.channels, input.height, input.width], DType::F32);
        let expected = model(DType::F32, &Device::Cpu).forward(&x).unwrap();
        for (dtype, tolerance) in [(DType::F16, 3e-2), (DType::BF16, 1e-1)] {
            let x = x.to_device(gpu()).unwrap().to_dtype(dtype).unwrap();
            let logits = model(dtype, gpu()).forward(&x).unwrap();
            assert_close(&format!("{name} {dtype:?}"), &logits, &expected, tolerance);
        }
    }
}

#[test]
fn a_device_that_is_not_there_is_an_error_that_counts_those_that_are() {
    gpu();
    let message = device("cuda:99").unwrap_err().to_string();
    assert!(message.contains("CUDA device(s); try cuda:0"), "{message}");
}

/// A tensor made on one thread, used on another: the device has one stream for both.
#[test]
fn tensors_cross_threads_in_order() {
    let pool = MaxPool2d::new(&spec::MaxPool2d::overlapping());
    let x = numbers(&[4, 64, 55, 55], DType::F32);
    let expected = pool.forward(&x).unwrap();
    for _ in 0..20 {
        let made =
            std::thread::scope(|scope| scope.spawn(|| x.to_device(gpu()).unwrap().affine(1.0, 0.0)).join().unwrap());
        assert_close("other thread", &pool.forward(&made.unwrap()).unwrap(), &expected, 0.0);
    }
}

//! [`Precision::Fast`] against plain loops, within what Winograd's algorithm may round.

use crate::naive;
use crate::support::{Numbers, engine_of, isas, network, parameters, rounded, run};
use alexnet_cpu::spec::layers::*;
use alexnet_cpu::spec::{Network, Op, networks};
use alexnet_cpu::{Engine, Isa, Options, Precision};
use half::bf16;
use std::collections::HashMap;

/// The points of the transforms but infinity.
const POINTS: [f64; 6] = [0.0, 0.625, -0.625, 1.25, -1.25, 3.0];

fn conv(out: usize, taps: usize, pads: [usize; 4], groups: usize) -> Op {
    Conv2d { out, kernel: [taps; 2], stride: [1, 1], pads, groups }.into()
}

/// Something that brings an image into blocks of channels, and leaves it as it is.
fn nothing() -> Op {
    MaxPool2d { kernel: [1, 1], stride: [1, 1], pads: [0; 4], rounding: Rounding::Floor }.into()
}

fn fast(network: &Network, isa: Isa, parameters: &HashMap<String, Vec<f32>>) -> Engine {
    engine_of(network, Options { isa, precision: Precision::Fast }, parameters)
}

/// In a pool of `threads`, on which it depends how convolutions are computed.
fn with_threads<T: Send>(threads: usize, work: impl FnOnce() -> T + Send) -> T {
    rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap().install(work)
}

/// The matrices for input, weights and output, as Toom and Cook give them.
struct Matrices {
    input: Vec<Vec<f64>>,
    weights: Vec<Vec<f64>>,
    output: Vec<Vec<f64>>,
}

impl Matrices {
    fn new(taps: usize) -> Matrices {
        // The coefficients of (x - a)(x - b)...
        let polynomial = |roots: Vec<f64>| {
            let mut coefficients = vec![1.0];
            for root in roots {
                let shifted = std::iter::once(0.0).chain(coefficients.iter().copied());
                let scaled = coefficients.iter().map(|c| -root * c).chain([0.0]);
                coefficients = shifted.zip(scaled).map(|(a, b)| a + b).collect();
            }
            coefficients.resize(7, 0.0);
            coefficients
        };
        let without = |point: usize| POINTS.into_iter().enumerate().filter(move |(i, _)| *i != point).map(|(_, p)| p);
        let powers = |count: usize| {
            let finite = POINTS.map(|point| (0..count).map(|power| point.powi(power as i32)).collect::<Vec<_>>());
            let last = (0..count).map(|power| f64::from(u8::from(power + 1 == count))).collect();
            finite.into_iter().chain([last]).collect::<Vec<_>>()
        };
        let mut weights = powers(taps);
        for (point, row) in weights.iter_mut().enumerate().take(6) {
            let divisor: f64 = without(point).map(|other| POINTS[point] - other).product();
            row.iter_mut().for_each(|weight| *weight /= divisor);
        }
        let columns = powers(8 - taps);
        let output = (0..8 - taps).map(|row| columns.iter().map(|column| column[row]).collect()).collect();
        Matrices { input: (0..7).map(|point| polynomial(without(point).collect())).collect(), weights, output }
    }
}

/// What is at each pair of points.
type Square = [[f64; 7]; 7];

/// `a x a'`, with the absolute values of `a` where asked.
fn both_ways(a: &[Vec<f64>], x: impl Fn(usize, usize) -> f64, absolute: bool) -> Square {
    let size = a[0].len();
    let a = |i: usize, j: usize| if absolute { a[i][j].abs() } else { a[i][j] };
    std::array::from_fn(|i| {
        let half: Vec<f64> = (0..size).map(|l| (0..size).map(|k| a(i, k) * x(k, l)).sum()).collect();
        std::array::from_fn(|j| half.iter().enumerate().map(|(l, half)| half * a(j, l)).sum())
    })
}

/// How far each output of the convolution may be off: with `K` roundings on a term's way, `K` times the unit roundoff of the
/// sum of all terms' absolute values, as in any algorithm of sums of products (Higham, "Accuracy and Stability of Numerical
/// Algorithms", section 3.1). Here a term is an entry of the output matrix twice, of the transformed weights, which are rounded
/// once, and of the input matrix twice.
fn bounds(
    layer: &Conv2d,
    [channels, height, width]: [usize; 3],
    image: &[f32],
    weights: &[f32],
    bias: &[f32],
) -> Vec<f64> {
    let taps = layer.kernel[0];
    let side = 8 - taps;
    let matrices = Matrices::new(taps);
    let [top, left, bottom, right] = layer.pads;
    let [rows, columns] = [height + top + bottom + 1 - taps, width + left + right + 1 - taps];
    let pixel = |channel: usize, y: usize, x: usize| {
        let inside = (top..top + height).contains(&y) && (left..left + width).contains(&x);
        if inside { f64::from(image[(channel * height + y - top) * width + x - left]).abs() } else { 0.0 }
    };
    let per_group = channels / layer.groups;
    let (down, across) = (rows.div_ceil(side), columns.div_ceil(side));
    let tiles: Vec<Square> = (0..channels * down * across)
        .map(|at| {
            let [c, y, x] = [at / across / down, at / across % down, at % across];
            both_ways(&matrices.input, |i, j| pixel(c, y * side + i, x * side + j), true)
        })
        .collect();
    // Two sums of seven products for the input and the output each, one of the group's channels, the weights and the bias.
    let roundings = 4 * 8 + (per_group + 1) + 1 + 1;
    let mut bounds = Vec::new();
    for out in 0..layer.out {
        let mut sums = vec![Square::default(); down * across];
        for c in 0..per_group {
            let kernel = &weights[(out * per_group + c) * taps * taps..][..taps * taps];
            let kernel = both_ways(&matrices.weights, |i, j| f64::from(kernel[i * taps + j]), false);
            let channel = out / (layer.out / layer.groups) * per_group + c;
            for (sums, tile) in sums.iter_mut().zip(&tiles[channel * down * across..]) {
                let products = sums.as_flattened_mut().iter_mut().zip(kernel.as_flattened()).zip(tile.as_flattened());
                products.for_each(|((sum, weight), x)| *sum += weight.abs() * x);
            }
        }
        for y in 0..rows {
            for x in 0..columns {
                let sums = &sums[y / side * across + x / side];
                let (a, b) = (&matrices.output[y % side], &matrices.output[x % side]);
                let scale: f64 = (0..49).map(|p| a[p / 7].abs() * sums[p / 7][p % 7] * b[p % 7].abs()).sum();
                let scale = scale + f64::from(bias[out]).abs();
                bounds.push(1.01 * roundings as f64 * scale / (1u64 << 24) as f64 + 1e-40);
            }
        }
    }
    bounds
}

/// Compares a convolution of `images` of `shape` with plain loops, and sees that it isn't the sum that is compared.
fn check(shape: [usize; 3], layer: Op, images: usize) {
    let network = network(shape, [nothing(), layer.clone()]);
    let mut numbers = Numbers::new(shape.iter().sum::<usize>() as u64);
    let parameters = parameters(&network, &mut numbers);
    let x = numbers.take(images * shape.iter().product::<usize>());
    let Op::Conv2d(layer) = &layer else { panic!("a convolution") };
    let (weights, bias) = (&parameters["layer1.weight"], &parameters["layer1.bias"]);
    let by_image = x.chunks(x.len() / images);
    let bounds: Vec<f64> = by_image.clone().flat_map(|image| bounds(layer, shape, image, weights, bias)).collect();
    let expected: Vec<_> = by_image.flat_map(|image| naive::run(&network, &parameters, image, naive::F32)).collect();
    for isa in isas() {
        let y = with_threads(1, || run(&fast(&network, isa, &parameters), &parameters, &x, images));
        assert!((y.len(), y.len()) == (expected.len(), bounds.len()));
        let exact = engine_of(&network, Options { isa, ..Options::default() }, &parameters);
        let exact = with_threads(1, || run(&exact, &parameters, &x, images));
        assert_ne!(y, exact, "{isa:?}: the very sum, which isn't what was asked for: {shape:?}, {layer:?}");
        for (at, ((y, value), bound)) in y.iter().zip(&expected).zip(&bounds).enumerate() {
            let error = (f64::from(*y) - value.value).abs();
            assert!(
                error <= *bound,
                "{isa:?}, output {at}: {y} for {}, off by {error:e} where rounding explains {bound:e}: {shape:?}, {layer:?}",
                value.value
            );
        }
    }
}

#[test]
fn kernels_of_three_and_five_are_computed_within_their_bounds_at_every_size() {
    for (height, width) in [(13, 13), (15, 15), (14, 16), (11, 27), (29, 10), (20, 12)] {
        for (taps, pad) in [(3, 1), (5, 2)] {
            check([16, height, width], conv(16, taps, [pad; 4], 1), 1);
        }
    }
}

#[test]
fn any_number_of_channels_fills_its_blocks() {
    for (inputs, outputs) in [(1, 1), (3, 20), (15, 17), (17, 48), (33, 31), (40, 16), (64, 70)] {
        for taps in [3, 5] {
            check([inputs, 13, 14], conv(outputs, taps, [taps / 2; 4], 1), 1);
        }
    }
}

#[test]
fn groups_have_weights_and_channels_of_their_own() {
    for (groups, inputs, outputs) in [(2, 32, 32), (2, 96, 64), (3, 48, 144), (4, 64, 128)] {
        for taps in [3, 5] {
            check([inputs, 13, 13], conv(outputs, taps, [taps / 2; 4], groups), 2);
        }
    }
}

#[test]
fn pads_are_those_of_the_layer() {
    for pads in [[0; 4], [3; 4], [0, 1, 2, 3], [3, 0, 1, 0], [5, 4, 0, 2]] {
        for taps in [3, 5] {
            check([16, 15, 14], conv(20, taps, pads, 1), 1);
        }
    }
}

#[test]
fn batches_need_not_divide_into_groups() {
    for images in [2, 3, 7, 9, 17] {
        check([16, 13, 13], conv(16, 3, [1; 4], 1), images);
        check([20, 12, 11], conv(18, 5, [2; 4], 1), images);
    }
}

/// conv-pool-conv-conv-fc, of which the last two convolutions have other forms.
fn small() -> Network {
    let layers: [Op; 9] = [
        Conv2d { out: 32, kernel: [5, 5], stride: [2, 2], pads: [2; 4], groups: 1 }.into(),
        Relu {}.into(),
        MaxPool2d::overlapping().into(),
        conv(48, 5, [2; 4], 2),
        Relu {}.into(),
        conv(40, 3, [1; 4], 1),
        Relu {}.into(),
        Flatten {}.into(),
        Linear { out: 10 }.into(),
    ];
    network([3, 55, 51], layers)
}

#[test]
fn threads_and_batches_change_nothing_but_rounding() {
    let network = small();
    let mut numbers = Numbers::new(2);
    let parameters = parameters(&network, &mut numbers);
    let image = 3 * 55 * 51;
    let x = numbers.take(70 * image);
    let exact = run(&engine_of(&network, Options::default(), &parameters), &parameters, &x, 70);
    let scale = exact.iter().fold(0f32, |scale, y| scale.max(y.abs()));
    let engine = fast(&network, Isa::best(), &parameters);
    for threads in [1, 2, 3, 11] {
        for batch in [1, 2, 7, 8, 9, 16, 23, 70] {
            let y = with_threads(threads, || run(&engine, &parameters, &x[..batch * image], batch));
            for (at, (y, exact)) in y.iter().zip(&exact).enumerate() {
                assert!(
                    (y - exact).abs() <= 2e-5 * scale,
                    "{threads} threads, batch {batch}, output {at}: {y} and {exact}"
                );
            }
        }
    }
}

#[test]
fn bf16_is_computed_in_f32_between_its_roundings() {
    let network = small();
    let mut numbers = Numbers::new(2);
    let parameters: HashMap<_, Vec<bf16>> =
        parameters(&network, &mut numbers).into_iter().map(|(name, values)| (name, rounded(&values))).collect();
    let x = rounded(&numbers.take(5 * 3 * 55 * 51));
    for isa in isas() {
        let options = |precision| Options { isa, precision };
        let [y, exact] = [Precision::Fast, Precision::Exact].map(|precision| {
            with_threads(1, || run(&engine_of(&network, options(precision), &parameters), &parameters, &x, 5))
        });
        let scale = exact.iter().fold(0f32, |scale, y| scale.max(y.to_f32().abs()));
        for (y, exact) in y.iter().zip(&exact) {
            // Activations may be rounded to a neighbour.
            assert!((y.to_f32() - exact.to_f32()).abs() <= scale / 128.0, "{isa:?}: {y} for {exact}, of {scale}");
        }
    }
}

#[test]
fn every_network_of_the_registry_stays_near_its_exact_logits() {
    for name in networks::ALL.iter().map(|entry| entry.name) {
        let network = networks::get(name).unwrap().shrunk(4, 20).unwrap();
        let mut numbers = Numbers::new(5);
        let parameters = parameters(&network, &mut numbers);
        let input = &network.input;
        let x = numbers.take(3 * input.channels * input.height * input.width);
        let exact = run(&engine_of(&network, Options::default(), &parameters), &parameters, &x, 3);
        let y = run(&fast(&network, Isa::best(), &parameters), &parameters, &x, 3);
        let scale = exact.iter().fold(0f32, |scale, y| scale.max(y.abs()));
        for (y, exact) in y.iter().zip(&exact) {
            assert!((y - exact).abs() <= 2e-5 * scale, "{name}: {y} for {exact}, of {scale}");
        }
    }
}

#[test]
fn nan_stays_within_its_image_and_near_its_pixel() {
    let network = network([16, 40, 40], [nothing(), conv(17, 3, [1; 4], 1)]);
    let mut numbers = Numbers::new(6);
    let parameters = parameters(&network, &mut numbers);
    let mut x = numbers.take(2 * 16 * 40 * 40);
    let [channel, row, column] = [3, 20, 11];
    x[(channel * 40 + row) * 40 + column] = f32::NAN;
    for isa in isas() {
        let y = with_threads(1, || run(&fast(&network, isa, &parameters), &parameters, &x, 2));
        for (at, y) in y.iter().enumerate() {
            let (image, [y_at, x_at]) = (at / (17 * 40 * 40), [at / 40 % 40, at % 40]);
            let away = y_at.abs_diff(row).max(x_at.abs_diff(column));
            if image == 0 && away <= 1 {
                assert!(y.is_nan(), "{isa:?}: {y} at {y_at}, {x_at}");
            }
            if image == 1 || away > 6 {
                assert!(y.is_finite(), "{isa:?}: {y} at {y_at}, {x_at} of image {image}");
            }
        }
    }
}

//! What [`Precision::Fast`] gives up and gains, convolution by convolution:
//! `cargo run --release -p alexnet-cpu --example precision -- torchvision`.
//!
//! Each convolution computes the features that the layers before it make of a noise image, with random weights of He's
//! variance; errors are differences from the sum in `f64`, over the root mean square of its results. Times are a thread's
//! for an image, of eight that go together.

#![expect(clippy::print_stdout, reason = "a table is what this program is for")]

use alexnet_cpu::spec::layers::{Conv2d, MaxPool2d, Rounding};
use alexnet_cpu::spec::{Input, Layer, Mean, Network, Op, Shape, networks};
use alexnet_cpu::{Engine, Options, Precision};
use std::collections::HashMap;
use std::error::Error;

const IMAGES: usize = 8;

/// Rounds of which the fastest counts.
const ROUNDS: usize = 15;

type Result<T> = std::result::Result<T, Box<dyn Error>>;
type Parameters = HashMap<String, Vec<f32>>;

fn main() -> Result<()> {
    let name = std::env::args().nth(1).unwrap_or_else(|| "torchvision".into());
    let network = networks::get(&name).ok_or_else(|| format!("no network is called `{name}`"))?.features_only();
    rayon::ThreadPoolBuilder::new().num_threads(1).build_global()?;
    let mut noise = Noise(1);
    let parameters: Parameters = network
        .parameters()?
        .into_iter()
        .map(|parameter| {
            let scale = (6.0 * parameter.shape[0] as f32 / parameter.elements() as f32).sqrt();
            let scale = if parameter.name.ends_with("weight") { scale } else { 0.1 };
            (parameter.name.clone(), noise.take(parameter.elements(), scale))
        })
        .collect();
    let images = noise.take(IMAGES * network.input.channels * network.input.height * network.input.width, 2.0);

    println!("| {name} | Exact: rms error | largest | ms | Fast: rms error | largest | ms |");
    println!("|---|---|---|---|---|---|---|");
    let steps = network.trace()?;
    for (at, step) in steps.iter().enumerate() {
        let (Op::Conv2d(conv), Shape::Map { channels, height, width }) = (&step.layer.op, step.input) else { continue };
        let mut before = network.clone();
        before.layers.truncate(at);
        let features =
            if at == 0 { images.clone() } else { forward(&before, Precision::Exact, &parameters, &images)?.0 };
        let mut alone = Network {
            input: Input { channels, height, width },
            layers: if at == 0 { vec![step.layer.clone()] } else { vec![blocks(), step.layer.clone()] },
            ..network.clone()
        };
        alone.preprocessing.mean = Mean::PerChannel(vec![0.0; channels]);
        alone.preprocessing.std = vec![1.0; channels];
        let weights = &parameters[&format!("{}.weight", step.layer.name)];
        let bias = &parameters[&format!("{}.bias", step.layer.name)];
        let shape = [channels, height, width];
        let truth = convolve(conv, shape, &features[..channels * height * width], weights, bias);
        print!("| {} |", step.layer.name);
        for precision in [Precision::Exact, Precision::Fast] {
            let (outputs, time) = forward(&alone, precision, &parameters, &features)?;
            let [rms, largest] = errors(&outputs, &truth);
            print!(" {rms:.1e} | {largest:.1e} | {time:.2} |");
        }
        println!();
    }
    let exact = forward(&network, Precision::Exact, &parameters, &images)?.0;
    let exact: Vec<f64> = exact.into_iter().map(f64::from).collect();
    let [rms, largest] = errors(&forward(&network, Precision::Fast, &parameters, &images)?.0, &exact);
    println!("\nAll features, Fast from Exact: rms {rms:.1e}, largest {largest:.1e}");
    Ok(())
}

/// Leaves an image as it is, but for the layout: a first convolution reads it in another one than the rest.
fn blocks() -> Layer {
    Layer::new("blocks", MaxPool2d { kernel: [1, 1], stride: [1, 1], pads: [0; 4], rounding: Rounding::Floor })
}

/// The features of `images`, and the milliseconds that the last layer took for each.
fn forward(
    network: &Network,
    precision: Precision,
    parameters: &Parameters,
    images: &[f32],
) -> Result<(Vec<f32>, f64)> {
    let options = Options { precision, ..Options::default() };
    let engine = Engine::with_options(network, &options, |name| Ok(parameters[name].clone()))?;
    let mut outputs = vec![0.0; IMAGES * engine.outputs()];
    let last = network.layers.last().map(|layer| layer.name.clone()).unwrap_or_default();
    let mut best = f64::INFINITY;
    for _ in 0..ROUNDS {
        let times = engine.profile(images, &[], &mut outputs)?;
        let time = times.iter().find(|(name, _)| *name == last).map_or(f64::NAN, |(_, time)| time.as_secs_f64());
        best = best.min(1e3 * time / IMAGES as f64);
    }
    Ok((outputs, best))
}

/// Root mean square and largest error, over the root mean square of `truth`.
fn errors(found: &[f32], truth: &[f64]) -> [f64; 2] {
    let differences = found.iter().zip(truth).map(|(found, truth)| (f64::from(*found) - truth).abs());
    let mean = |sum: f64| (sum / truth.len() as f64).sqrt();
    let scale = mean(truth.iter().map(|y| y * y).sum());
    let (sum, largest) = differences.fold((0.0, 0f64), |(sum, largest), d| (sum + d * d, largest.max(d)));
    [mean(sum) / scale, largest / scale]
}

/// The convolution of one image as its definition says it.
fn convolve(conv: &Conv2d, shape: [usize; 3], x: &[f32], weights: &[f32], bias: &[f32]) -> Vec<f64> {
    let [channels, height, width] = shape;
    let [rows, columns] = conv.kernel;
    let [top, left, bottom, right] = conv.pads;
    let [down, across] =
        [(height + top + bottom - rows) / conv.stride[0] + 1, (width + left + right - columns) / conv.stride[1] + 1];
    let per_group = channels / conv.groups;
    let mut y = Vec::with_capacity(conv.out * down * across);
    for (out, bias) in bias.iter().enumerate() {
        let first = out / (conv.out / conv.groups) * per_group;
        let start = y.len();
        y.resize(start + down * across, f64::from(*bias));
        for (tap, weight) in
            weights[out * per_group * rows * columns..][..per_group * rows * columns].iter().enumerate()
        {
            let plane = &x[(first + tap / rows / columns) * height * width..][..height * width];
            let [dy, dx] = [tap / columns % rows, tap % columns];
            for (at, y) in y[start..].iter_mut().enumerate() {
                let [row, column] = [at / across * conv.stride[0] + dy, at % across * conv.stride[1] + dx];
                let inside = (top..top + height).contains(&row) && (left..left + width).contains(&column);
                if inside {
                    *y += f64::from(*weight) * f64::from(plane[(row - top) * width + column - left]);
                }
            }
        }
    }
    y
}

struct Noise(u64);

impl Noise {
    /// Uniform numbers from `-scale` to `scale`.
    fn take(&mut self, count: usize, scale: f32) -> Vec<f32> {
        let mut next = || {
            self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            ((self.0 >> 40) as f32 / (1 << 23) as f32 - 1.0) * scale
        };
        (0..count).map(|_| next()).collect()
    }
}

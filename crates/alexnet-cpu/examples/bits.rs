//! What `bf16` and [`Precision::Int8`] change in a network's logits:
//! `cargo run --release -p alexnet-cpu --example bits -- torchvision`.
//!
//! Weights are PyTorch's initial ones (uniform, within one over the square root of a unit's inputs), images are noise.
//! Differences are from the logits in `f32`, over the root mean square of these; `f32`'s own are a thousand times smaller.

#![expect(clippy::print_stdout, reason = "a table is what this program is for")]

use alexnet_cpu::spec::{Network, networks};
use alexnet_cpu::{Element, Engine, Options, Precision, bf16};
use std::collections::HashMap;
use std::error::Error;

const IMAGES: usize = 32;

type Result<T> = std::result::Result<T, Box<dyn Error>>;
type Parameters = HashMap<String, Vec<f32>>;

fn main() -> Result<()> {
    let name = std::env::args().nth(1).unwrap_or_else(|| "torchvision".into());
    let network = networks::get(&name).ok_or_else(|| format!("no network is called `{name}`"))?;
    let mut state = 1u64;
    let mut noise = move |count: usize, scale: f32| -> Vec<f32> {
        let mut next = || {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            ((state >> 40) as f32 / (1 << 23) as f32 - 1.0) * scale
        };
        (0..count).map(|_| next()).collect()
    };
    let mut parameters = Parameters::new();
    let mut scale = 1.0;
    for parameter in network.parameters()? {
        // A bias comes after its weights, and has their scale.
        if parameter.shape.len() > 1 {
            scale = (parameter.shape[0] as f32 / parameter.elements() as f32).sqrt();
        }
        parameters.insert(parameter.name.clone(), noise(parameter.elements(), scale));
    }
    let images = noise(IMAGES * network.input.channels * network.input.height * network.input.width, 2.0);

    let exact = logits::<f32>(&network, &parameters, &images, Precision::Exact)?;
    let rms = |values: &[f32]| {
        (values.iter().map(|x| f64::from(*x) * f64::from(*x)).sum::<f64>() / values.len() as f64).sqrt()
    };
    println!("| {name} | rms | largest |");
    println!("|---|---|---|");
    for (what, found) in [
        ("bf16", logits::<bf16>(&network, &parameters, &images, Precision::Exact)?),
        ("f32, int8", logits::<f32>(&network, &parameters, &images, Precision::Int8)?),
        ("bf16, int8", logits::<bf16>(&network, &parameters, &images, Precision::Int8)?),
    ] {
        let differences: Vec<f32> = found.iter().zip(&exact).map(|(a, b)| a - b).collect();
        let largest = differences.iter().fold(0f32, |largest, x| largest.max(x.abs()));
        println!("| {what} | {:.1e} | {:.1e} |", rms(&differences) / rms(&exact), f64::from(largest) / rms(&exact));
    }
    Ok(())
}

fn logits<E: Element>(
    network: &Network,
    parameters: &Parameters,
    images: &[f32],
    precision: Precision,
) -> Result<Vec<f32>> {
    let convert = |values: &[f32]| -> Vec<E> { values.iter().map(|value| E::from_f32(*value)).collect() };
    let options = Options { precision, ..Options::default() };
    let engine = Engine::with_options(network, &options, |name| Ok(convert(&parameters[name])))?;
    let matrices: Vec<Vec<E>> = engine.matrices().iter().map(|name| convert(&parameters[name])).collect();
    let matrices: Vec<&[E]> = matrices.iter().map(Vec::as_slice).collect();
    let mut outputs = convert(&vec![0.0; IMAGES * engine.outputs()]);
    engine.forward(&convert(images), &matrices, &mut outputs)?;
    Ok(outputs.into_iter().map(E::to_f32).collect())
}

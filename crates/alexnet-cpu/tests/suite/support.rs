use crate::naive;
use alexnet_cpu::spec::{Input, Interpolation, Labels, Layer, Mean, Network, Op, Resize};
use alexnet_cpu::{Element, Engine, Isa, Options, bf16};
use std::collections::HashMap;

/// Deterministic values in -1..1, none of which is exact in fewer bits than f32 has.
pub struct Numbers(u64);

impl Numbers {
    pub fn new(seed: u64) -> Numbers {
        Numbers(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    pub fn next(&mut self) -> f32 {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (self.0 >> 40) as f32 / (1 << 23) as f32 - 1.0
    }

    pub fn take(&mut self, count: usize) -> Vec<f32> {
        (0..count).map(|_| self.next()).collect()
    }
}

/// The instruction sets that this processor has; of them the one that the environment variable `ALEXNET_ISA` names, as
/// [`Isa`] writes it, where it names one.
pub fn isas() -> impl Iterator<Item = Isa> {
    let only = std::env::var("ALEXNET_ISA").ok();
    let asked = |isa: Isa| only.as_ref().is_none_or(|name| *name == format!("{isa:?}"));
    let isas: Vec<Isa> = Isa::ALL.into_iter().filter(|isa| isa.is_available() && asked(*isa)).collect();
    assert!(
        !isas.is_empty(),
        "ALEXNET_ISA={only:?} is no instruction set of this processor; try one of {:?}",
        Isa::ALL
    );
    isas.into_iter()
}

/// A network of `layers`, named by their number, for images of `shape`.
pub fn network(shape: [usize; 3], layers: impl IntoIterator<Item = Op>) -> Network {
    let mut network = alexnet_cpu::spec::networks::get("torchvision").unwrap();
    network.name = "test".into();
    network.labels = Labels::Unknown;
    network.preprocessing.mean = Mean::PerChannel(vec![0.0; shape[0]]);
    network.preprocessing.std = vec![1.0; shape[0]];
    network.preprocessing.resize =
        Resize::Exact { height: shape[1], width: shape[2], interpolation: Interpolation::Bilinear };
    network.input = Input { channels: shape[0], height: shape[1], width: shape[2] };
    network.layers = layers.into_iter().enumerate().map(|(i, op)| Layer::new(format!("layer{i}"), op)).collect();
    network
}

/// `values` as elements, in just their memory: a vector that is turned into narrower elements would keep all of its own,
/// and a sanitizer sees no read behind the values there.
pub fn rounded<E: Element>(values: &[f32]) -> Vec<E> {
    values.iter().map(|value| E::from_f32(*value)).collect()
}

/// Parameters for `network`; variances are positive.
pub fn parameters(network: &Network, numbers: &mut Numbers) -> HashMap<String, Vec<f32>> {
    let parameters = network.parameters().unwrap().into_iter();
    parameters
        .map(|parameter| {
            let mut values = numbers.take(parameter.elements());
            if parameter.name.ends_with("running_var") {
                values.iter_mut().for_each(|value| *value = value.abs() + 0.1);
            }
            (parameter.name, values)
        })
        .collect()
}

pub fn engine<E: Element>(network: &Network, isa: Isa, parameters: &HashMap<String, Vec<E>>) -> Engine<E> {
    engine_of(network, Options { isa, ..Options::default() }, parameters)
}

pub fn engine_of<E: Element>(network: &Network, options: Options, parameters: &HashMap<String, Vec<E>>) -> Engine<E> {
    Engine::with_options(network, &options, |name| Ok(parameters[name].clone())).unwrap()
}

/// What `engine` makes of `images`.
pub fn run<E: Element>(engine: &Engine<E>, parameters: &HashMap<String, Vec<E>>, images: &[E], count: usize) -> Vec<E> {
    let matrices: Vec<&[E]> = engine.matrices().iter().map(|name| parameters[name].as_slice()).collect();
    // Anything that isn't written shows.
    let mut outputs = vec![E::from_f32(f32::NAN); count * engine.outputs()];
    engine.forward(images, &matrices, &mut outputs).unwrap();
    outputs
}

/// Compares `network` with random parameters and images against [`naive`] on every instruction set, in f32 and in bf16.
pub fn check(network: &Network, images: usize, seed: u64) {
    check_in::<f32>(network, images, seed, naive::F32);
    check_in::<bf16>(network, images, seed, naive::BF16);
}

fn check_in<E: Element>(network: &Network, images: usize, seed: u64, unit: f64) {
    let mut numbers = Numbers::new(seed);
    let parameters: HashMap<_, _> =
        parameters(network, &mut numbers).into_iter().map(|(name, values)| (name, rounded(&values))).collect();
    let input = &network.input;
    let x = rounded(&numbers.take(images * input.channels * input.height * input.width));
    let exact = |values: &[E]| -> Vec<f32> { values.iter().map(|value| value.to_f32()).collect() };
    let exactly = parameters.iter().map(|(name, values)| (name.clone(), exact(values))).collect();
    let expected: Vec<_> =
        x.chunks(x.len() / images).flat_map(|image| naive::run(network, &exactly, &exact(image), unit)).collect();
    for isa in isas() {
        let y = run(&engine(network, isa, &parameters), &parameters, &x, images);
        assert_eq!(y.len(), expected.len());
        for (at, (y, value)) in y.iter().zip(&expected).enumerate() {
            let error = (f64::from(y.to_f32()) - value.value).abs();
            assert!(
                error <= value.bound,
                "{isa:?}, output {at}: {y:?} for {}, off by {error:e} where rounding explains {:e}: {:?}",
                value.value,
                value.bound,
                network.layers
            );
        }
    }
}

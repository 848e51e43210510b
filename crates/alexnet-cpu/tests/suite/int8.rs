use crate::support::{Numbers, isas, network, parameters, rounded};
use alexnet_cpu::spec::layers::{Flatten, Linear, Relu};
use alexnet_cpu::spec::{Network, Op};
use alexnet_cpu::{Element, Engine, Isa, Options, Precision, bf16};
use std::collections::HashMap;

fn linear(inputs: usize, outputs: usize) -> Network {
    network([1, 1, inputs], [Op::from(Flatten {}), Linear { out: outputs }.into(), Relu {}.into()])
}

fn engine<E: Element>(network: &Network, isa: Isa, parameters: &HashMap<String, Vec<E>>) -> Engine<E> {
    let options = Options { isa, precision: Precision::Int8 };
    Engine::with_options(network, &options, |name| Ok(parameters[name].clone())).unwrap()
}

/// What the layer computes of integers `x`, whose sums are exact.
fn expected<E: Element>(parameters: &HashMap<String, Vec<E>>, x: &[i32]) -> Vec<E> {
    let rows = parameters["layer1.weight"].chunks(x.len()).zip(&parameters["layer1.bias"]);
    let outputs = rows.map(|(row, bias)| {
        let row: Vec<f32> = row.iter().map(|weight| weight.to_f32()).collect();
        let scale = row.iter().fold(0f32, |largest, weight| largest.max(weight.abs())) / 127.0;
        let sum: i32 = row.iter().zip(x).map(|(weight, x)| (weight / scale).round() as i32 * x).sum();
        E::from_f32((sum as f32 * scale + bias.to_f32()).max(0.0))
    });
    outputs.collect()
}

fn check<E: Element>() {
    for (inputs, outputs) in [(1, 1), (16, 16), (7, 5), (33, 29), (100, 70), (2500, 30), (4701, 3)] {
        let network = linear(inputs, outputs);
        let mut numbers = Numbers::new(inputs as u64);
        let parameters: HashMap<String, Vec<E>> =
            parameters(&network, &mut numbers).into_iter().map(|(name, values)| (name, rounded(&values))).collect();
        for batch in [1, 2, 4, 5, 16, 33] {
            let x: Vec<i32> = numbers.take(batch * inputs).into_iter().map(|x| (x * 20.0) as i32).collect();
            let expected: Vec<E> = x.chunks(inputs).flat_map(|x| expected(&parameters, x)).collect();
            let images: Vec<E> = x.iter().map(|x| E::from_f32(*x as f32)).collect();
            for isa in isas() {
                let engine = engine(&network, isa, &parameters);
                assert!(engine.matrices().is_empty());
                let mut y = vec![E::from_f32(f32::NAN); batch * outputs];
                engine.forward(&images, &[], &mut y).unwrap();
                assert_eq!(y, expected, "{isa:?}, {inputs} to {outputs}, batch {batch}");
            }
        }
    }
}

#[test]
fn sums_of_integers_are_exact_in_f32() {
    check::<f32>();
}

#[test]
fn sums_of_integers_are_exact_and_then_rounded_in_bf16() {
    check::<bf16>();
}

#[test]
fn rows_of_zeros_give_the_bias_and_rows_with_nan_or_infinity_nan() {
    let network = linear(20, 5);
    let mut weights = vec![0.5; 100];
    weights[..20].fill(0.0);
    weights[20..40].fill(f32::MIN_POSITIVE / 4.0);
    weights[47] = f32::NAN;
    weights[66] = f32::INFINITY;
    let bias = vec![0.25, 0.25, 0.25, 0.25, 0.5];
    let parameters = HashMap::from([("layer1.weight".to_string(), weights), ("layer1.bias".to_string(), bias)]);
    for isa in isas() {
        for batch in [1, 6] {
            let mut y = vec![0.0; 5 * batch];
            engine(&network, isa, &parameters).forward(&vec![1.0; 20 * batch], &[], &mut y).unwrap();
            for y in y.chunks(5) {
                assert_eq!([y[0], y[1], y[4]], [0.25, 0.25, 10.5], "{isa:?}");
                assert!(y[2].is_nan() && y[3].is_nan(), "{isa:?}: {y:?}");
            }
        }
    }
}

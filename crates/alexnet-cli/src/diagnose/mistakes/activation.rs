//! A ReLU where there is none, or something else where there is one.

use super::super::fit::{factor, shown};
use super::{Attempt, Mistake, Suspect};
use crate::array::Array;
use alexnet_spec::Op;

pub(super) const MISTAKE: Mistake = Mistake {
    id: "activation",
    remedy: "compare the activation after the layer with the reference's: each hidden layer has a ReLU, the last layer none",
    attempts,
};

fn attempts<'a>(suspect: &'a Suspect<'a>) -> Vec<Attempt<'a>> {
    let Some(last) = suspect.last() else { return Vec::new() };
    let Some(inputs) = suspect.inputs_of_last() else { return Vec::new() };
    let name = last.name.as_str();
    if !matches!(last.op, Op::Relu(_)) {
        let sentence = format!("a ReLU looks applied to {name}, which has none");
        return vec![Attempt::output(sentence, |example| Ok(each(&example.expected, |v| v.max(0.0))))];
    }
    let of_input = |sentence: String, function: fn(f32, f32) -> f32, constant: f32| {
        let before = suspect.piece.before_last();
        Attempt::output(sentence, move |example| Ok(each(&before.run(&example.input)?, |v| function(v, constant))))
    };
    let mut attempts = vec![
        of_input(format!("{name} looks cut at 6 (ReLU6)"), |v, _| v.clamp(0.0, 6.0), 0.0),
        of_input(format!("{name} looks like a tanh, not a ReLU"), |v, _| v.tanh(), 0.0),
        of_input(format!("{name} looks like a sigmoid, not a ReLU"), |v, _| 1.0 / (1.0 + (-v).exp()), 0.0),
        of_input(format!("{name} looks like an absolute value, not a ReLU"), |v, _| v.abs(), 0.0),
    ];
    let negative = |(x, y): &(&f32, &f32)| **x < 0.0 && y.is_finite();
    let pairs = inputs.iter().zip(suspect.examples).flat_map(|(x, e)| x.data.iter().zip(&e.found.data));
    let (below, found): (Vec<f64>, Vec<f64>) =
        pairs.filter(negative).map(|(x, y)| (f64::from(*x), f64::from(*y))).unzip();
    if let Some(slope) = factor(&below, &found) {
        let leaky = |v: f32, slope: f32| if v < 0.0 { v * slope } else { v };
        let sentence = format!("{name} looks leaky, with a slope of {} below zero", shown(slope));
        attempts.push(of_input(sentence, leaky, slope as f32).fitted(1));
    }
    attempts
}

fn each(array: &Array, function: impl Fn(f32) -> f32) -> Array {
    Array { shape: array.shape.clone(), data: array.data.iter().map(|v| function(*v)).collect() }
}

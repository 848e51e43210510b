//! Pixels in another range, or normalised otherwise, than the network was trained on.

use super::super::fit::{least_squares, shown};
use super::{Attempt, Mistake, Suspect};
use crate::array::Array;
use alexnet_spec::{Mean, PixelRange, Shape};

pub(super) const MISTAKE: Mistake = Mistake {
    id: "input-normalisation",
    remedy: "compare range, mean and divisor of the other side's preprocessing with the reference's `preprocessing`; a graph that normalises by itself takes pixels as they are",
    attempts,
};

fn attempts<'a>(suspect: &'a Suspect<'a>) -> Vec<Attempt<'a>> {
    let preprocessing = &suspect.network.preprocessing;
    let (Shape::Map { channels, .. }, true) = (suspect.piece.input, suspect.image) else { return Vec::new() };
    let mut attempts = Vec::new();
    if let Mean::PerChannel(mean) = &preprocessing.mean {
        let std = &preprocessing.std;
        let range = preprocessing.range;
        let other = if range == PixelRange::Unit { 255.0 } else { 1.0 / 255.0 };
        let names = if range == PixelRange::Unit { "0..255 for 0..1" } else { "0..1 for 0..255" };
        // What the normalised value v, which is (pixel - mean) / std, becomes: factor and term of each channel.
        type Affine = fn(m: f64, s: f64, other: f64) -> (f64, f64);
        let known: [(String, Affine); 9] = [
            ("the mean looks not subtracted".into(), |m, s, _| (1.0, m / s)),
            ("the mean looks subtracted twice".into(), |m, s, _| (1.0, -m / s)),
            ("the values look not divided by std".into(), |_, s, _| (s, 0.0)),
            ("the values look divided by std twice".into(), |_, s, _| (1.0 / s, 0.0)),
            ("the values look not normalised at all".into(), |m, s, _| (s, m)),
            ("the values look normalised twice".into(), |m, s, _| (1.0 / s, -m / s)),
            (format!("pixels look given in another range: {names}"), |m, s, o| (o, (o - 1.0) * m / s)),
            (format!("pixels look given as they are, in another range: {names}"), |m, s, o| (o * s, o * m)),
            (format!("normalised values look multiplied: {names}"), |_, _, o| (o, 0.0)),
        ];
        for (sentence, affine) in known {
            let (factors, terms): (Vec<f64>, Vec<f64>) =
                mean.iter().zip(std).map(|(m, s)| affine(*m, *s, other)).unzip();
            attempts.push(of_input(suspect, sentence, factors, terms));
        }
        let reversed = mean.iter().rev().zip(std.iter().rev()).zip(mean.iter().zip(std));
        let (factors, terms) = reversed.map(|((rm, rs), (m, s))| (s / rs, (m - rm) / rs)).unzip();
        let sentence = "mean and std look applied to the channels in reverse order".to_owned();
        attempts.push(of_input(suspect, sentence, factors, terms));
    }
    attempts.extend(fitted(suspect, channels));
    attempts
}

/// The suspect fed with its input, channel by channel times a factor plus a term.
fn of_input<'a>(suspect: &'a Suspect<'a>, sentence: String, factors: Vec<f64>, terms: Vec<f64>) -> Attempt<'a> {
    Attempt::output(sentence, move |example| suspect.piece.run(&example.input.affine(&factors, &terms)))
}

/// A factor and a term for all channels, or for each, which a convolution's output is linear in.
fn fitted<'a>(suspect: &'a Suspect<'a>, channels: usize) -> Vec<Attempt<'a>> {
    if suspect.convolutions().len() != 1 || suspect.piece.layers.len() != 1 || !suspect.same_shapes() {
        return Vec::new();
    }
    let Some((columns, target)) = parts(suspect, channels) else { return Vec::new() };
    let Some(solution) = least_squares(&columns, &target) else { return Vec::new() };
    let (factors, terms) = solution.split_at(channels);
    let list = |values: &[f64]| values.iter().map(|v| shown(*v)).collect::<Vec<_>>().join(", ");
    let sentence = format!("the image's channels look multiplied by {} and shifted by {}", list(factors), list(terms));
    vec![of_input(suspect, sentence, factors.to_vec(), terms.to_vec()).fitted(2 * channels)]
}

/// What each channel alone, and a one in each channel alone, adds to the output; and what was found, less the bias.
fn parts(suspect: &Suspect<'_>, channels: usize) -> Option<(Vec<Vec<f64>>, Vec<f64>)> {
    let mut columns = vec![Vec::new(); channels.checked_mul(2)?];
    let mut target = Vec::new();
    for example in suspect.examples {
        let run = |factors: &[f64], terms: &[f64]| suspect.piece.run(&example.input.affine(factors, terms)).ok();
        let none = vec![0.0; channels];
        let rest = run(&none, &none)?;
        let above = |array: &Array| -> Vec<f64> {
            let pairs = array.data.iter().zip(&rest.data);
            pairs.map(|(v, r)| f64::from(*v) - f64::from(*r)).collect()
        };
        for channel in 0..channels {
            let mut one = none.clone();
            *one.get_mut(channel)? = 1.0;
            columns.get_mut(channel)?.extend(above(&run(&one, &none)?));
            columns.get_mut(channels + channel)?.extend(above(&run(&none, &one)?));
        }
        target.extend(above(&example.found));
    }
    Some((columns, target))
}

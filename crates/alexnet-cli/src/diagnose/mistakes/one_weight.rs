//! One weight: what it changes is the input as that weight sees it, times the change.

use super::super::fit::{factor, shown};
use super::one_channel::only_channel;
use super::{Attempt, Mistake, Suspect};
use crate::array::Array;
use alexnet_spec::layers::Conv2d;
use alexnet_spec::{Op, Shape, Tensor};

pub(super) const MISTAKE: Mistake =
    Mistake { id: "one-weight", remedy: "compare that weight with the reference's; the others are right", attempts };

/// Fewer values than these could be explained by some weight of thousands.
const LEAST: usize = 8;

fn attempts<'a>(suspect: &'a Suspect<'a>) -> Vec<Attempt<'a>> {
    suspect.last().and_then(|last| fitted(suspect, &last.name, &last.op)).into_iter().collect()
}

fn fitted<'a>(suspect: &'a Suspect<'a>, name: &str, op: &Op) -> Option<Attempt<'a>> {
    let inputs = suspect.inputs_of_last()?;
    let channel = only_channel(suspect)?;
    let differences = differences(suspect, channel);
    if differences.len() < LEAST {
        return None;
    }
    let weight = suspect.tensor("weight")?;
    let filter: usize = weight.shape().iter().skip(1).product();
    let input = *suspect.piece.inputs().last()?;
    let squares: f64 = differences.iter().map(|d| d * d).sum();
    let mut best: Option<(usize, f64, f64)> = None;
    for at in 0..filter {
        let seen = match op {
            Op::Conv2d(conv) => seen_by(&inputs, input, conv, weight.shape(), channel, at, suspect)?,
            Op::Linear(_) => inputs.iter().flat_map(|x| x.data.iter().skip(at).step_by(filter)).map(|v| f64::from(*v)).collect(),
            _ => return None,
        };
        let Some(change) = factor(&seen, &differences) else { continue };
        let explained = squares - seen.iter().zip(&differences).map(|(s, d)| (d - change * s).powi(2)).sum::<f64>();
        if best.is_none_or(|(_, _, most)| explained > most) {
            best = Some((at, change, explained));
        }
    }
    let (at, change, _) = best?;
    let index = channel.checked_mul(filter)?.checked_add(at)?;
    let was = *weight.to_f32().ok()?.get(index)?;
    let changed = |t: &Tensor| {
        let mut values = t.to_f32().ok()?;
        *values.get_mut(index)? += change as f32;
        Tensor::from_f32(t.shape().to_vec(), &values).ok()
    };
    let piece = suspect.piece.with_tensor(&format!("{name}.weight"), changed)?;
    let place = place(channel, at, weight.shape());
    let new = f64::from(was) + change;
    let sentence = format!("{name}.weight{place:?} alone looks changed: {} for {}", shown(new), shown(f64::from(was)));
    Some(Attempt::piece(sentence, piece).fitted(2))
}

/// Found less expected, in one channel.
pub(super) fn differences(suspect: &Suspect<'_>, channel: usize) -> Vec<f64> {
    let of = |array: &Array| {
        let count = array.shape.get(1).copied().unwrap_or(1).max(1);
        let size = array.shape.iter().skip(2).product::<usize>().max(1);
        array.data.chunks(size).skip(channel).step_by(count).flatten().map(|v| f64::from(*v)).collect::<Vec<_>>()
    };
    let pairs = suspect.examples.iter().flat_map(|e| of(&e.found).into_iter().zip(of(&e.expected)));
    pairs.map(|(found, expected)| found - expected).collect()
}

/// The pixels that element `at` of a filter is multiplied with, for every output.
fn seen_by(
    inputs: &[Array],
    input: Shape,
    conv: &Conv2d,
    shape: &[usize],
    channel: usize,
    at: usize,
    suspect: &Suspect<'_>,
) -> Option<Vec<f64>> {
    let Shape::Map { channels, height, width } = input else { return None };
    let [out, own, rows, columns] = *shape else { return None };
    let group = channel.checked_div(out.checked_div(conv.groups)?)?;
    let (within, row, column) = (at / (rows * columns), at / columns % rows, at % columns);
    let [.., out_height, out_width] = *suspect.examples.first()?.found.shape else { return None };
    let mut seen = Vec::new();
    for input in inputs {
        for image in input.data.chunks(channels * height * width) {
            let map = image.get((group * own + within) * height * width..)?;
            for (y, x) in (0..out_height).flat_map(|y| (0..out_width).map(move |x| (y, x))) {
                let y = (y * conv.stride[0] + row).checked_sub(conv.pads[0]).filter(|y| *y < height);
                let x = (x * conv.stride[1] + column).checked_sub(conv.pads[1]).filter(|x| *x < width);
                let value = y.zip(x).and_then(|(y, x)| map.get(y * width + x)).copied().unwrap_or(0.0);
                seen.push(f64::from(value));
            }
        }
    }
    Some(seen)
}

/// The index of element `at` of a filter in the whole tensor.
fn place(channel: usize, mut at: usize, shape: &[usize]) -> Vec<usize> {
    let mut place: Vec<usize> = shape.iter().skip(1).rev().map(|size| {
        let here = at % size.max(&1);
        at /= size.max(&1);
        here
    }).collect();
    place.push(channel);
    place.reverse();
    place
}

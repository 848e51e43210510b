//! Outputs in another order, whatever it is: each found channel is looked up among the expected.

use super::{Attempt, Mistake, Suspect};
use crate::array::Array;

pub(super) const MISTAKE: Mistake = Mistake {
    id: "channel-order",
    remedy: "the layer's outputs come in another order: look for a shuffle, and at the order of the filters or classes",
    attempts,
};

/// Looking every channel up among all others is quadratic: more than ImageNet's classes are not looked up.
const MOST: usize = 1024;

fn attempts<'a>(suspect: &'a Suspect<'a>) -> Vec<Attempt<'a>> {
    let Some((last, order)) = suspect.last().zip(order(suspect)) else { return Vec::new() };
    let moved: Vec<_> = order.iter().enumerate().filter(|(to, from)| to != *from).collect();
    let [(first, from), ..] = moved.as_slice() else { return Vec::new() };
    let sentence = match moved.len() {
        2 => format!("{}'s channels {first} and {from} look exchanged", last.name),
        count => format!("{}'s channels look reordered, {count} of {}: channel {first} is {from}", last.name, order.len()),
    };
    let attempt = Attempt::output(sentence, move |example| {
        let (expected, count) = (&example.expected, order.len());
        let size = expected.shape.iter().skip(2).product::<usize>();
        let place = |index: usize| expected.data.get(index * size..(index + 1) * size).unwrap_or_default();
        let images = 0..expected.batch();
        let data = images.flat_map(|image| order.iter().flat_map(move |from| place(image * count + from).to_vec()));
        Array::new(expected.shape.clone(), data.collect())
    });
    // As good as a fit of one number: an order of a name of its own is the simpler explanation.
    vec![attempt.fitted(1)]
}

/// For each channel that was found, the expected one that it is; none where they are no permutation.
fn order(suspect: &Suspect<'_>) -> Option<Vec<usize>> {
    let shape = &suspect.examples.first()?.expected.shape;
    let count = *shape.get(1)?;
    if !suspect.same_shapes() || !(2..=MOST).contains(&count) {
        return None;
    }
    let (expected, found) = (fingerprints(suspect, |e| &e.expected, count), fingerprints(suspect, |e| &e.found, count));
    let scale = expected.iter().flatten().fold(0.0f32, |m, v| m.max(v.abs()));
    let mut free: Vec<usize> = (0..count).collect();
    let mut order = Vec::with_capacity(count);
    for (to, own) in found.iter().enumerate() {
        let same = |from: &usize| {
            expected.get(*from).is_some_and(|other| own.iter().zip(other).all(|(a, b)| (a - b).abs() <= 1e-4 * scale))
        };
        // Where several channels are alike, the one in its place is meant.
        let at = free.iter().position(|from| *from == to && same(from)).or_else(|| free.iter().position(same))?;
        order.push(free.remove(at));
    }
    Some(order)
}

/// Some values of each channel, over all examples.
fn fingerprints(suspect: &Suspect<'_>, of: fn(&crate::diagnose::Example) -> &Array, count: usize) -> Vec<Vec<f32>> {
    let mut prints = vec![Vec::new(); count];
    for example in suspect.examples {
        let array = of(example);
        let size = array.shape.iter().skip(2).product::<usize>().max(1);
        for (index, channel) in array.data.chunks(size).enumerate() {
            if let Some(print) = prints.get_mut(index % count) {
                print.extend(channel.iter().step_by(size.div_ceil(64)));
            }
        }
    }
    prints
}

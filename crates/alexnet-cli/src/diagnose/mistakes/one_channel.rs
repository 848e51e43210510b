use super::{Attempt, Mistake, Suspect};
use crate::array::Array;

pub(super) const MISTAKE: Mistake = Mistake {
    id: "one-channel",
    remedy: "the other outputs are right, so the layer's constants are: compare this output's weights and bias",
    attempts,
};

fn attempts<'a>(suspect: &'a Suspect<'a>) -> Vec<Attempt<'a>> {
    let Some((last, channel)) = suspect.last().zip(only_channel(suspect)) else { return Vec::new() };
    let count = suspect.examples.first().and_then(|e| e.expected.shape.get(1)).copied().unwrap_or(1);
    let sentence = match only_element(suspect) {
        Some(place) => format!("only element {place:?} of {} differs", last.name),
        None => format!("only channel {channel} of {}'s {count} differs", last.name),
    };
    let attempt = Attempt::output(sentence, move |example| {
        let mut mixed = example.expected.clone();
        let size = mixed.shape.iter().skip(2).product::<usize>().max(1);
        let channels = mixed.data.chunks_mut(size).zip(example.found.data.chunks(size)).skip(channel);
        channels.step_by(count).for_each(|(own, found)| own.copy_from_slice(found));
        Ok(mixed)
    });
    // It tells where, not what: anything that tells what is the better explanation.
    vec![attempt.fitted(usize::MAX)]
}

/// What two values of one network may differ by from rounding alone, as a part of the largest.
const ROUNDING: f32 = 1e-5;

/// Places of the outputs that differ by more than rounding: example, channel, and place within.
fn differing<'a>(suspect: &'a Suspect<'a>) -> impl Iterator<Item = (usize, usize, usize)> + 'a {
    suspect.examples.iter().enumerate().flat_map(|(index, example)| {
        let Array { shape, data } = &example.expected;
        let count = shape.get(1).copied().unwrap_or(1).max(1);
        let size = shape.iter().skip(2).product::<usize>().max(1);
        let bound = ROUNDING * data.iter().fold(0.0f32, |m, v| m.max(v.abs()));
        let pairs = data.iter().zip(&example.found.data).enumerate();
        let other = pairs.filter(move |(_, (a, b))| (*a - *b).abs() > bound || a.is_nan() != b.is_nan());
        other.map(move |(at, _)| (index, at / size % count, at % size))
    })
}

/// The one channel that differs, of several.
pub(super) fn only_channel(suspect: &Suspect<'_>) -> Option<usize> {
    let several = suspect.examples.first()?.expected.shape.get(1).is_some_and(|count| *count > 1);
    if !suspect.same_shapes() || !several {
        return None;
    }
    let mut channels = differing(suspect).map(|(_, channel, _)| channel);
    let first = channels.next()?;
    channels.all(|channel| channel == first).then_some(first)
}

/// The index of the one element of a map that differs.
fn only_element(suspect: &Suspect<'_>) -> Option<Vec<usize>> {
    let [_, _, _, width] = *suspect.examples.first()?.expected.shape else { return None };
    let mut places = differing(suspect);
    let (_, channel, at) = places.next()?;
    let same = places.all(|(_, c, other)| (c, other) == (channel, at));
    same.then(|| vec![channel, at / width.max(1), at % width.max(1)])
}

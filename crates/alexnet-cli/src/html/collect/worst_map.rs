use crate::array::Array;
use crate::html::evidence::MapPair;
use crate::runtimes;
use crate::verify::{Check, FirstDifference, Outcome};
use anyhow::Result;

/// Maps larger than this are no feature maps of the family, and too large for a page.
const LARGEST: usize = 1 << 18;

/// The channel with the largest difference: of the layer that parts where one does, run alone; else of the layer with the
/// largest difference in relation to its values, for which both sides run once more.
pub fn worst_map(what: &Check<'_>, outcome: &Outcome<'_>) -> Result<Option<MapPair>> {
    if let Some(parted) = &outcome.parted {
        let name = outcome.runs.get(parted.run).map_or("", |run| run.name.as_str());
        let maps = parted.examples.iter().zip(&parted.fixtures).filter_map(|(example, fixture)| {
            worst_channel(&parted.layer, fixture, name, &example.expected, &example.found)
        });
        // None where the two have other shapes: then what else differs is shown.
        if let Some(pair) = worst(maps) {
            return Ok(Some(pair));
        }
    }
    let (Some(network), Some(first)) = (what.network, outcome.runs.first()) else { return Ok(None) };
    let report = &outcome.report;
    let marked = report.first_difference.as_ref();
    let compared =
        || report.consistency.iter().filter(|row| outcome.runs.iter().skip(1).any(|run| run.name == row.runtime));
    let row = compared().max_by(|a, b| a.severity().total_cmp(&b.severity()));
    let name = marked.map(|first| &first.runtime).or(row.map(|row| &row.runtime));
    let other = outcome.runs.iter().skip(1).find(|run| Some(&run.name) == name && run.failed.is_none());
    let fixture = what.fixtures.iter().find(|fixture| row.is_none_or(|row| row.fixture == fixture.name));
    let (Some(other), Some(fixture)) = (other, fixture) else { return Ok(None) };
    let comparable = |first: &&FirstDifference| outcome.parted.is_none() && first.mode == "cumulative";
    let wanted = |layer: &str| marked.filter(comparable).is_none_or(|first| first.layer == layer);
    let taps: Vec<String> = network.layers.iter().map(|l| l.name.clone()).filter(|l| wanted(l)).collect();
    let mut expected = runtimes::values(what.open(&first.launcher)?.as_mut(), &fixture.input, &taps)?;
    let mut kept = None;
    what.open(&other.launcher)?.run(&fixture.input, &taps, &mut |layer, found| {
        if let Some(expected) = expected.remove(layer).filter(|_| taps.iter().any(|tap| tap == layer)) {
            let pair = worst_channel(layer, &fixture.name, &other.name, &expected, &found);
            kept = worst(kept.take().into_iter().chain(pair));
        }
        Ok(())
    })?;
    Ok(kept)
}

/// The pair that differs most in relation to its values; of equals the first.
fn worst(pairs: impl Iterator<Item = MapPair>) -> Option<MapPair> {
    pairs.reduce(|kept, new| if share(&new) > share(&kept) { new } else { kept })
}

/// How far apart the two are, as a share of the largest value.
fn share(pair: &MapPair) -> f64 {
    let scale =
        pair.reference.data.iter().filter(|v| v.is_finite()).fold(f32::MIN_POSITIVE, |most, v| most.max(v.abs()));
    distance(&pair.reference.data, &pair.other.data) / f64::from(scale)
}

/// The root of the mean squared difference; what is no number is infinitely far from everything. A map that is wrong all over
/// shows more than one with a single value that is wrong by a little more.
fn distance(a: &[f32], b: &[f32]) -> f64 {
    let squares = a.iter().zip(b).map(|(a, b)| (f64::from(*a) - f64::from(*b)).powi(2));
    let mean = squares.sum::<f64>() / a.len().max(1) as f64;
    if mean.is_finite() { mean.sqrt() } else { f64::INFINITY }
}

/// The channel of an example's maps that differs most; a vector is wrapped into rows, about as many as it has columns.
fn worst_channel(layer: &str, fixture: &str, runtime: &str, expected: &Array, found: &Array) -> Option<MapPair> {
    if expected.shape != found.shape {
        return None;
    }
    let pair = |channel, shape: [usize; 2], reference: Vec<f32>, other: Vec<f32>| MapPair {
        layer: layer.to_owned(),
        fixture: fixture.to_owned(),
        runtime: runtime.to_owned(),
        channel,
        reference: Array { shape: shape.to_vec(), data: reference },
        other: Array { shape: shape.to_vec(), data: other },
    };
    match *expected.shape.as_slice() {
        [1, _, height, width] => {
            let size = height.checked_mul(width).filter(|size| (1..=LARGEST).contains(size))?;
            let both = expected.data.chunks(size).zip(found.data.chunks(size)).enumerate();
            let (channel, (a, b)) =
                both.reduce(
                    |kept, new| {
                        if distance(new.1.0, new.1.1) > distance(kept.1.0, kept.1.1) { new } else { kept }
                    },
                )?;
            Some(pair(Some(channel), [height, width], a.to_vec(), b.to_vec()))
        }
        [1, features] if (1..=LARGEST).contains(&features) => {
            let width = features.isqrt();
            let height = features / width;
            // What doesn't fill the last row is left out where nothing differs there.
            let rows = if distance(expected.data.get(height * width..)?, found.data.get(height * width..)?) > 0.0 {
                height + 1
            } else {
                height
            };
            let wrapped = |array: &Array| {
                let mut data = array.data.clone();
                data.resize(rows * width, 0.0);
                data
            };
            Some(pair(None, [rows, width], wrapped(expected), wrapped(found)))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn array(shape: &[usize], data: &[f32]) -> Array {
        Array { shape: shape.to_vec(), data: data.to_vec() }
    }

    #[test]
    fn the_channel_that_differs_most_is_shown() {
        let a = array(&[1, 3, 1, 2], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
        let b = array(&[1, 3, 1, 2], &[1.5, 2.0, 3.0, 3.0, 5.0, 6.5]);
        let pair = worst_channel("conv1", "noise", "B", &a, &b).unwrap();
        assert_eq!(
            (pair.channel, pair.reference, pair.other),
            (Some(1), array(&[1, 2], &[3.0, 4.0]), array(&[1, 2], &[3.0, 3.0]))
        );
    }

    #[test]
    fn a_vector_is_wrapped_into_rows() {
        let a = array(&[1, 7], &[0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
        let b = array(&[1, 7], &[0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 7.0]);
        let pair = worst_channel("fc8", "noise", "B", &a, &b).unwrap();
        assert_eq!(pair.other, array(&[4, 2], &[0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 7.0, 0.0]));
        assert_eq!(worst_channel("fc8", "noise", "B", &a, &a).unwrap().other.shape, [3, 2]);
    }

    #[test]
    fn nothing_differs_more_than_what_is_no_number() {
        let a = array(&[1, 2, 1, 1], &[1e30, 1.0]);
        let b = array(&[1, 2, 1, 1], &[0.0, f32::NAN]);
        assert_eq!(worst_channel("conv1", "noise", "B", &a, &b).unwrap().channel, Some(1));
    }
}

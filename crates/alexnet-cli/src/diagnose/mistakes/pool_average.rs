use super::{Attempt, Mistake, Suspect};
use crate::array::Array;
use alexnet_spec::Shape;
use alexnet_spec::layers::MaxPool2d;
use anyhow::{Context, Result};

pub(super) const MISTAKE: Mistake =
    Mistake { id: "pool-average", remedy: "AlexNet's pools take the largest value: look for AveragePool", attempts };

fn attempts<'a>(suspect: &'a Suspect<'a>) -> Vec<Attempt<'a>> {
    let Some(place) = suspect.pools().pop().filter(|place| place.index + 1 == suspect.piece.layers.len()) else {
        return Vec::new();
    };
    let Shape::Map { height, width, .. } = place.input else { return Vec::new() };
    let sentence = format!("{} looks averaged, not the largest value", place.name);
    let (before, pool) = (suspect.piece.before_last(), place.op);
    vec![Attempt::output(sentence, move |example| {
        average(&before.run(&example.input)?, [height, width], pool, example.found.shape.clone())
    })]
}

/// The mean of the pixels that lie in each window.
fn average(maps: &Array, [height, width]: [usize; 2], pool: &MaxPool2d, shape: Vec<usize>) -> Result<Array> {
    let [.., rows, columns] = *shape else { anyhow::bail!("no map") };
    let [top, left, ..] = pool.pads;
    let range = |at: usize, axis: usize, before: usize, size: usize| {
        let start = at * pool.stride[axis];
        start.saturating_sub(before)..(start + pool.kernel[axis]).saturating_sub(before).min(size)
    };
    let mut data = Vec::with_capacity(shape.iter().product());
    for map in maps.data.chunks(height * width) {
        for (row, column) in (0..rows).flat_map(|row| (0..columns).map(move |column| (row, column))) {
            let (mut sum, mut count) = (0.0, 0usize);
            for y in range(row, 0, top, height) {
                for x in range(column, 1, left, width) {
                    sum += f64::from(*map.get(y * width + x).context("a window beyond the map")?);
                    count += 1;
                }
            }
            data.push((sum / count.max(1) as f64) as f32);
        }
    }
    Array::new(shape, data)
}

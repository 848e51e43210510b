use super::{Attempt, Mistake, Suspect};
use crate::array::Array;
use alexnet_spec::Tensor;

pub(super) const MISTAKE: Mistake = Mistake {
    id: "batch-statistics",
    remedy: "the network was exported in training mode: call `model.eval()` first, and look for `training_mode`",
    attempts,
};

fn attempts<'a>(suspect: &'a Suspect<'a>) -> Vec<Attempt<'a>> {
    let Some(place) = suspect.batch_norms().pop().filter(|place| place.index + 1 == suspect.piece.layers.len()) else {
        return Vec::new();
    };
    let (before, index) = (suspect.piece.before_last(), place.index);
    let sentence = format!("{} looks normalised with the batch's own mean and variance", place.name);
    let names = ["running_mean", "running_var"].map(|role| format!("{}.{role}", place.name));
    vec![Attempt::output(sentence, move |example| {
        let maps = before.run(&example.input)?;
        let (mean, variance) = moments(&maps);
        let mut own = suspect.piece.clone();
        own.layers = own.layers.split_off(index);
        own.input = place.input;
        for (name, values) in names.iter().zip([mean, variance]) {
            own.tensors.insert(name.clone(), Tensor::from_f32(vec![values.len()], &values)?);
        }
        own.run(&maps)
    })]
}

/// Mean and variance of every channel over the whole batch.
fn moments(maps: &Array) -> (Vec<f32>, Vec<f32>) {
    let channels = maps.shape.get(1).copied().unwrap_or(1).max(1);
    let pixels = maps.shape.iter().skip(2).product::<usize>().max(1);
    let of = |channel: usize| maps.data.chunks(pixels).skip(channel).step_by(channels).flatten().map(|v| f64::from(*v));
    let count = (maps.data.len() / channels).max(1) as f64;
    let moments = (0..channels).map(|channel| {
        let mean = of(channel).sum::<f64>() / count;
        (mean as f32, (of(channel).map(|v| (v - mean).powi(2)).sum::<f64>() / count) as f32)
    });
    moments.unzip()
}

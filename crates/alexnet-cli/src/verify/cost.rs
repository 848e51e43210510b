//! What coarser numbers cost, and what they save.

use super::run::{Check, Launcher, Run};
use crate::array::Array;
use crate::compare::{Agreement, Precision};
use crate::inputs::Fixture;
use crate::runtimes::{self, Runtime};
use anyhow::{Context, Result};
use serde::Serialize;
use std::time::Instant;

/// The second side, whose weights or activations are coarser, against the first.
#[derive(Clone, Debug, Serialize)]
pub struct Cost {
    /// How coarse it is.
    pub precision: Precision,
    /// The size of its file.
    pub bytes: u64,
    /// The size of the first side's parameters in f32.
    pub f32_bytes: u64,
    /// What it was measured on.
    pub inputs: usize,
    /// For each runtime that ran it.
    pub runtimes: Vec<OnRuntime>,
}

/// How well one runtime's logits agree with the first side's, and how long it takes.
#[derive(Clone, Debug, Serialize)]
pub struct OnRuntime {
    /// Which.
    pub runtime: String,
    /// Inputs on which both have the same first class; none where there are no classes.
    pub top1: Option<usize>,
    /// How many of the reference's first five classes are among the other's first five, over all inputs.
    pub top5: Option<usize>,
    /// The mean divergence of its softmax from the reference's, in nats.
    pub kl: Option<f64>,
    /// The power of the reference's logits over that of the differences, in decibels; none where nothing differs.
    pub snr_db: Option<f64>,
    /// The median times for one input, of it and of the first side in f32 on the same runtime, taken in turns.
    pub milliseconds: Option<[f64; 2]>,
}

/// Rounds of the stopwatch, beyond one that warms up.
const ROUNDS: usize = 5;

/// What B's coarser numbers cost; none where they aren't coarser. With `speed`, how long B takes and how long A in f32.
pub(super) fn cost(what: &Check<'_>, runs: &[Run<'_>], speed: bool) -> Result<Option<Cost>> {
    let precision = |side: &str| {
        let own = runs.iter().filter(|run| run.launcher.side == side);
        own.map(|run| Precision::of_arithmetic(run.arithmetic).max(Precision::of_stored(run.stored))).max()
    };
    let (Some(reference), Some(b)) = (runs.first(), what.b) else { return Ok(None) };
    let Some(coarse) = precision("B").filter(|coarse| Some(*coarse) > precision("A")) else { return Ok(None) };
    let parameters = what.a.parameters(what.network)?;
    let f32_bytes = parameters.values().map(|tensor| tensor.elements() as u64 * 4).sum();
    // A checkpoint's other form is a graph of f32; a graph is what it is.
    let has_f32 = !what.a.is_graph() || precision("A") == Some(Precision::F32);
    let mut runtimes = Vec::new();
    for run in runs.iter().filter(|run| run.launcher.side == "B" && run.failed.is_none()) {
        let mut row = agreement(&reference.logits, &run.logits);
        row.runtime = run.name.split_once(": ").map_or("", |(_, name)| name).to_owned();
        // Where the first side doesn't run there, there is nothing to race.
        row.milliseconds = if speed && has_f32 { race(what, run).ok() } else { None };
        runtimes.push(row);
    }
    Ok(Some(Cost { precision: coarse, bytes: b.size()?, f32_bytes, inputs: what.fixtures.len(), runtimes }))
}

fn agreement(reference: &[Array], other: &[Array]) -> OnRuntime {
    let classes: Vec<Agreement> = reference.iter().zip(other).filter_map(|(a, b)| Agreement::of(a, b)).collect();
    let some = |count: usize| (!classes.is_empty()).then_some(count);
    let divergences: Option<Vec<f64>> = classes.iter().map(|agreement| agreement.kl).collect();
    let pairs = || reference.iter().zip(other).flat_map(|(a, b)| a.data.iter().zip(&b.data));
    let (signal, noise) = pairs().fold((0.0, 0.0), |(signal, noise), (a, b)| {
        let (a, b) = (f64::from(*a), f64::from(*b));
        (signal + a * a, noise + (a - b) * (a - b))
    });
    OnRuntime {
        runtime: String::new(),
        top1: some(classes.iter().filter(|agreement| agreement.top1).count()),
        top5: some(classes.iter().map(|agreement| agreement.top5).sum()),
        kl: divergences.filter(|kl| !kl.is_empty()).map(|kl| kl.iter().sum::<f64>() / kl.len() as f64),
        snr_db: (noise > 0.0 && signal > 0.0).then(|| 10.0 * (signal / noise).log10()),
        milliseconds: None,
    }
}

/// The median times of B and of A on the same runtime. In turns, so that whatever else the machine does slows both alike.
fn race(what: &Check<'_>, run: &Run<'_>) -> Result<[f64; 2]> {
    let launchers = [run.launcher.clone(), Launcher { side: "A", subject: what.a, ..run.launcher.clone() }];
    let mut both = launchers.iter().map(|launcher| what.open(launcher)).collect::<Result<Vec<_>>>()?;
    let mut times = [const { Vec::new() }; 2];
    for (round, fixture) in what.fixtures.iter().cycle().take(ROUNDS + 1).enumerate() {
        for (runtime, times) in both.iter_mut().zip(&mut times) {
            let time = stopwatch(runtime.as_mut(), fixture)?;
            if round > 0 {
                times.push(time);
            }
        }
    }
    let median = |times: &mut Vec<f64>| {
        times.sort_by(f64::total_cmp);
        times.get(times.len() / 2).copied().context("nothing was timed")
    };
    let [b, a] = &mut times;
    Ok([median(b)?, median(a)?])
}

fn stopwatch(runtime: &mut dyn Runtime, fixture: &Fixture) -> Result<f64> {
    let started = Instant::now();
    runtimes::values(runtime, &fixture.input, &[])?;
    Ok(started.elapsed().as_secs_f64() * 1e3)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Signal 3^2 + 4^2 = 25 over noise 0.5^2 = 0.25: a hundred, 20 dB.
    #[test]
    fn signal_over_noise_is_in_decibels() {
        let array = |data: &[f32]| Array { shape: vec![1, 2], data: data.to_vec() };
        let row = agreement(&[array(&[3.0, 4.0])], &[array(&[3.0, 4.5])]);
        assert!((row.snr_db.unwrap() - 20.0).abs() < 1e-9);
        assert_eq!((row.top1, row.top5), (Some(1), Some(2)));
        assert_eq!(agreement(&[array(&[3.0, 4.0])], &[array(&[3.0, 4.0])]).snr_db, None);
    }
}

//! Noise over the whole range of the preprocessing: it reaches every weight, and no two channels or places are alike, so that
//! nothing can be exchanged unseen. What it hides: to a network's first filters, which are smooth, it averages out; what
//! happens where activations are very large or very small isn't shown either.

use super::Kind;
use super::canvas::Canvas;
use super::random::SplitMix;
use crate::inputs::Fixture;
use anyhow::Result;

pub(super) const KIND: Kind = Kind {
    name: "noise",
    standard: |canvas| Ok(vec![scaled(canvas, "noise", SEED, 1.0)?]),
    further: |canvas| Ok(vec![scaled(canvas, "noise of another seed", SEED + 1, 1.0)?]),
};

/// What the noise of every run begins with.
pub(super) const SEED: u64 = 0x2012;

/// Noise, `gain` times as strong as pixels can be.
pub(super) fn scaled(canvas: &Canvas, name: &str, seed: u64, gain: f64) -> Result<Fixture> {
    let mut random = SplitMix(seed);
    canvas.paint(name, |place| gain * canvas.value(place.channel, random.unit()))
}

//! Inputs far stronger and far weaker than any image, within what half precision holds.
//!
//! Loud noise drives response normalisation far from the identity, so that alpha, beta and the window show whatever the
//! weights are. Faint noise leaves it where its constant k is all, and lets biases show, which a network for bytes hides
//! under activations of hundreds. The others take signs and pools to their edges: nothing but negative values, where a ReLU
//! or a pool whose padding counts as zero acts everywhere; and all strength in one channel.

use super::Kind;

use super::noise::{SEED, scaled};
use super::random::SplitMix;

/// Of the range of pixels: an image of a byte's range becomes 3,000 at most, where half precision ends at 65,504.
const LOUD: f64 = 20.0;

/// Of the range of pixels: it is still a normal number in half precision.
const FAINT: f64 = 1e-3;

pub(super) const KIND: Kind = Kind {
    name: "extremes",
    standard: |canvas| Ok(vec![scaled(canvas, "noise x20", SEED, LOUD)?, scaled(canvas, "noise /1000", SEED, FAINT)?]),
    further: |canvas| {
        let mut random = SplitMix(SEED);
        let negative = canvas.paint("negative noise", |place| -canvas.value(place.channel, random.unit()).abs());
        let mut random = SplitMix(SEED);
        let concentrated = canvas.paint("noise x20 in one channel", |place| match place.channel {
            0 => LOUD * canvas.value(0, random.unit()),
            _ => 0.0,
        });
        Ok(vec![negative?, concentrated?])
    },
};

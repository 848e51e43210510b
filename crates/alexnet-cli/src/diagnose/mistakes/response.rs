//! What a response norm's outputs say of its constants: `x / y = (k + a S)^beta`, with S the window's sum of squares, is
//! linear in k and a once beta is known.

use super::{Place, Suspect};
use alexnet_spec::Shape;
use alexnet_spec::layers::LocalResponseNorm;

/// More values determine three constants no better.
const SAMPLES: usize = 20_000;

pub(super) struct Response<'a> {
    pub index: usize,
    pub norm: &'a LocalResponseNorm,
    /// The sum of the squares in the window, for some places of the maps.
    pub sums: Vec<f64>,
    /// What the input was divided by there.
    divisors: Vec<f64>,
}

impl<'a> Response<'a> {
    /// The values of the norm that the suspect ends with.
    pub fn of(suspect: &'a Suspect<'a>) -> Option<Response<'a>> {
        let Place { index, op: norm, input, .. } = suspect.norms().pop()?;
        let Shape::Map { channels, height, width } = input else { return None };
        if index.checked_add(1)? != suspect.piece.layers.len() || !suspect.same_shapes() {
            return None;
        }
        let (pixels, tower) = (height.checked_mul(width)?, channels.checked_div(norm.groups)?);
        let (before, after) = norm.reach();
        let (mut sums, mut divisors) = (Vec::new(), Vec::new());
        for (input, example) in suspect.inputs_of_last()?.iter().zip(suspect.examples) {
            let size = input.data.iter().fold(0.0f32, |m, v| m.max(v.abs()));
            let step = input.data.len().checked_div(SAMPLES)?.max(1);
            // A step that the pixels divide into would see few of them.
            let step = if pixels.is_multiple_of(step) { step.saturating_add(1) } else { step };
            for (at, (x, y)) in input.data.iter().zip(&example.found.data).enumerate().step_by(step) {
                let (image, place) = (at / (channels * pixels), at % (channels * pixels));
                let (channel, pixel) = (place / pixels, place % pixels);
                let first = channel / tower * tower;
                let window = channel.saturating_sub(before).max(first)..(channel + after + 1).min(first + tower);
                // Where there is little to divide, the quotient is rounding.
                if x.abs() < 1e-3 * size || *y == 0.0 {
                    continue;
                }
                let value = |c: usize| input.data.get((image * channels + c) * pixels + pixel).copied().unwrap_or(0.0);
                sums.push(window.map(|c| f64::from(value(c)).powi(2)).sum());
                divisors.push(f64::from(*x) / f64::from(*y));
            }
        }
        let sensible = divisors.iter().all(|divisor| divisor.is_finite() && *divisor > 0.0);
        (sensible && divisors.len() >= 16).then_some(Response { index, norm, sums, divisors })
    }

    /// `k + a S`, if the exponent is `beta`.
    pub fn bases(&self, beta: f64) -> Vec<f64> {
        self.divisors.iter().map(|divisor| divisor.powf(1.0 / beta)).collect()
    }

    /// The logarithms of what the input was divided by.
    pub fn logarithms(&self) -> Vec<f64> {
        self.divisors.iter().map(|divisor| divisor.ln()).collect()
    }
}

//! Response norms in primitive operators: `x / (k + weight * (sum of the window's squares))^beta`.
//!
//! PyTorch's exporters write them with an `AveragePool` over channels, this project with a convolution. What lies between
//! the input and its division is tracked symbolically here, so that their order and spelling don't matter.

use super::value::Map;
use alexnet_spec::Op;
use alexnet_spec::layers::{LocalResponseNorm, SpatialResponseNorm};

/// A value that is `(offset + factor * window)^power` of the squares of some features.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Squares {
    /// The features.
    pub(crate) of: Map,
    /// What the squares were added up over; none where they weren't yet.
    window: Option<Window>,
    factor: f64,
    offset: f64,
    power: f64,
    /// Zeros before and after the channels.
    pub(crate) padding: (usize, usize),
}

/// Squares that are added up.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Window {
    /// Over neighbouring channels, within each of so many groups of them.
    Channels {
        size: usize,
        groups: usize,
        /// Whether the sum was divided by the size.
        mean: bool,
    },
    /// Over a square of pixels in the same channel.
    Pixels { size: usize },
}

impl Squares {
    pub(crate) fn of(of: Map) -> Squares {
        Squares { of, window: None, factor: 1.0, offset: 0.0, power: 1.0, padding: (0, 0) }
    }

    /// Whether nothing but squaring, and padding, was done yet.
    pub(crate) fn is_bare(&self) -> bool {
        self.window.is_none() && self.factor == 1.0 && self.offset == 0.0 && self.power == 1.0
    }

    /// The sums of bare squares, each times `factor`.
    pub(crate) fn summed(self, window: Window, factor: f64) -> Option<Squares> {
        self.is_bare().then_some(Squares { window: Some(window), factor, padding: (0, 0), ..self })
    }

    pub(crate) fn times(mut self, factor: f64) -> Option<Squares> {
        self.factor *= factor;
        self.offset *= factor;
        (self.power == 1.0).then_some(self)
    }

    pub(crate) fn plus(mut self, offset: f64) -> Option<Squares> {
        self.offset += offset;
        (self.power == 1.0).then_some(self)
    }

    pub(crate) fn raised(mut self, power: f64) -> Option<Squares> {
        self.power *= power;
        Some(self)
    }

    /// The norm of which this is the divisor.
    pub(crate) fn divisor_of(&self, map: &Map) -> Option<Op> {
        if *map != self.of || self.padding != (0, 0) {
            return None;
        }
        let (beta, k) = (self.power, self.offset);
        Some(match self.window? {
            Window::Channels { size, groups, mean } => {
                let alpha = if mean { self.factor } else { rounded(self.factor * size as f64) };
                LocalResponseNorm { size, alpha, beta, k, groups }.into()
            }
            Window::Pixels { size } => {
                let alpha = rounded(self.factor * size as f64 * size as f64);
                SpatialResponseNorm { size, alpha, beta, k }.into()
            }
        })
    }

    /// The norm of which this is a factor: a power below zero.
    pub(crate) fn factor_of(&self, map: &Map) -> Option<Op> {
        Squares { power: -self.power, ..self.clone() }.divisor_of(map)
    }
}

/// To seven digits: a weight of single precision that was `alpha / size` gives alpha back.
fn rounded(value: f64) -> f64 {
    format!("{value:.6e}").parse().unwrap_or(value)
}

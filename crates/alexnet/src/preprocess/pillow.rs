//! Pillow's bilinear resize, which widens its triangle with the scale (`src/libImaging/Resample.c`): first along rows, then
//! along columns, each pass in fixed point and rounded to 8 bits.

use super::window::{Pixels, Window};
use rayon::prelude::*;

/// Fraction bits of a weight: 32, less 8 for the level and 2 for the sum's head room.
const PRECISION: u32 = 32 - 8 - 2;

/// The levels of the window `columns` x `rows` of `image`, resized to those axes' sizes.
pub(super) fn resize(image: &Pixels, columns: Window, rows: Window) -> Vec<u8> {
    let across = taps(image.width, columns);
    let down = taps(image.height, rows);
    // Only the rows that some output needs go through the first pass.
    let first = down.iter().map(|taps| taps.start).min().unwrap_or(0);
    let last = down.iter().map(|taps| taps.start + taps.weights.len()).max().unwrap_or(0);
    let stride = columns.length * 3;
    let mut narrowed = vec![0; last.saturating_sub(first) * stride];
    narrowed.par_chunks_mut(stride.max(1)).enumerate().for_each(|(row, out)| {
        let source = image.row(first + row);
        for (out, taps) in out.chunks_exact_mut(3).zip(&across) {
            let pixels = &source[taps.start * 3..];
            for (channel, out) in out.iter_mut().enumerate() {
                *out = taps.sum(pixels.iter().skip(channel).step_by(3));
            }
        }
    });
    let mut resized = vec![0; rows.length * stride];
    resized.par_chunks_mut(stride.max(1)).zip(&down).for_each(|(out, taps)| {
        let source = &narrowed[(taps.start - first) * stride..];
        for (position, out) in out.iter_mut().enumerate() {
            *out = taps.sum(source.iter().skip(position).step_by(stride));
        }
    });
    resized
}

/// The input positions that make one output position, and their weights in fixed point.
struct Taps {
    start: usize,
    weights: Vec<i32>,
}

impl Taps {
    fn sum<'a>(&self, levels: impl Iterator<Item = &'a u8>) -> u8 {
        let half = 1 << (PRECISION - 1);
        let sum = levels.zip(&self.weights).fold(half, |sum, (level, weight)| sum + i32::from(*level) * weight);
        (sum >> PRECISION).clamp(0, 255) as u8
    }
}

fn taps(size: usize, window: Window) -> Vec<Taps> {
    let scale = size as f64 / window.size as f64;
    // The triangle reaches one output position to each side, and one input position at least.
    let reach = scale.max(1.0);
    let output = |position: usize| {
        let centre = (position as f64 + 0.5) * scale;
        let start = (centre - reach + 0.5).max(0.0) as usize;
        let end = ((centre + reach + 0.5) as usize).min(size);
        let triangle = |input: usize| (1.0 - ((input as f64 - centre + 0.5) / reach).abs()).max(0.0);
        let weights: Vec<f64> = (start..end).map(triangle).collect();
        let total: f64 = weights.iter().sum();
        let fixed = |weight: &f64| (weight / total * f64::from(1 << PRECISION) + 0.5) as i32;
        Taps { start, weights: weights.iter().map(fixed).collect() }
    };
    window.positions().map(output).collect()
}

use super::matrices::{POINTS, kernel};
use super::transform::AREA;
use crate::element::Element;
use crate::memory::prefer_huge_pages;
use crate::simd::{LANES, Lanes};

/// `weights` `[out, inputs, taps, taps]` at the points: for each point, for each block of output channels, a vector for each
/// input channel. Lanes that fill up the last block are zero.
pub(super) fn transform<E: Element>(taps: usize, weights: &[E], inputs: usize) -> Vec<Lanes> {
    match taps {
        3 => pack::<E, 3>(weights, inputs),
        _ => pack::<E, 5>(weights, inputs),
    }
}

fn pack<E: Element, const TAPS: usize>(weights: &[E], inputs: usize) -> Vec<Lanes> {
    let outputs = weights.len() / (inputs * TAPS * TAPS).max(1);
    let pitch = outputs.div_ceil(LANES) * inputs;
    let mut packed = Vec::with_capacity(AREA * pitch);
    prefer_huge_pages(packed.spare_capacity_mut());
    packed.resize(AREA * pitch, Lanes::default());
    for (filter, weights) in weights.chunks_exact(TAPS * TAPS).enumerate() {
        let (output, input) = (filter / inputs, filter % inputs);
        let at = output / LANES * inputs + input;
        for (point, value) in at_points::<E, TAPS>(weights).into_iter().enumerate() {
            packed[point * pitch + at].0[output % LANES] = value;
        }
    }
    packed
}

/// One channel's kernel at the points, rounded once.
fn at_points<E: Element, const TAPS: usize>(weights: &[E]) -> [f32; AREA] {
    let matrix = const { kernel::<TAPS>() };
    let dot = |row: &[f64; TAPS], values: [f64; TAPS]| row.iter().zip(values).map(|(a, b)| a * b).sum::<f64>();
    let columns: [[f64; TAPS]; POINTS] = std::array::from_fn(|y| {
        std::array::from_fn(|x| dot(&matrix[y], std::array::from_fn(|tap| f64::from(weights[tap * TAPS + x].to_f32()))))
    });
    std::array::from_fn(|point| dot(&matrix[point % POINTS], columns[point / POINTS]) as f32)
}

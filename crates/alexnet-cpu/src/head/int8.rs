//! Matrices in eight bits, one scale for each output.

use crate::element::Element;
use crate::simd::{Isa, Kernel, LANES, Lanes, Simd};
use rayon::prelude::*;
use std::ops::Range;

/// The largest integer: symmetric, so that a weight and its negative are rounded alike.
const LARGEST: f32 = 127.0;

/// A matrix `[out, in]` as integers and a factor for each row.
#[derive(Debug)]
pub(crate) struct Int8 {
    integers: Vec<i8>,
    pub(super) scales: Vec<f32>,
    inputs: usize,
}

impl Int8 {
    /// Each row of `matrix` divided by a 127th of its largest magnitude and rounded to the nearest, ties away from zero. Rows
    /// with NaN or infinity become NaN.
    pub(crate) fn new<E: Element>(matrix: &[E], inputs: usize) -> Int8 {
        let mut integers = Vec::with_capacity(matrix.len());
        crate::prefer_huge_pages(integers.spare_capacity_mut());
        integers.resize(matrix.len(), 0);
        let rows = integers.par_chunks_mut(inputs.max(1)).zip(matrix.par_chunks(inputs.max(1)));
        let scales = rows.map(|(integers, row)| quantise(row, integers)).collect();
        Int8 { integers, scales, inputs }
    }

    /// The rows `rows`.
    pub(super) fn rows(&self, rows: Range<usize>) -> &[i8] {
        &self.integers[rows.start * self.inputs..rows.end * self.inputs]
    }

    /// The integers of some rows and columns as elements, which hold them exactly, `step` from row to row.
    pub(super) fn panel<E: Element>(
        &self,
        isa: Isa,
        rows: Range<usize>,
        columns: Range<usize>,
        step: usize,
        to: &mut [E],
    ) {
        for (row, to) in rows.zip(to.chunks_mut(step)) {
            let from = &self.integers[row * self.inputs..][columns.clone()];
            isa.run(Widen { from, to });
        }
    }
}

/// Writes `row` as integers, and returns the factor that they stand for.
fn quantise<E: Element>(row: &[E], integers: &mut [i8]) -> f32 {
    let largest = row.iter().fold(0f32, |largest, weight| largest.max(weight.to_f32().abs()));
    let scale = largest / LARGEST;
    if !row.iter().all(|weight| weight.to_f32().is_finite()) {
        return f32::NAN;
    }
    for (integer, weight) in integers.iter_mut().zip(row) {
        // Of a row of zeros, or of numbers too small to divide by, zeros are left.
        *integer = (weight.to_f32() / scale).round() as i8;
    }
    scale
}

struct Widen<'a, E> {
    from: &'a [i8],
    to: &'a mut [E],
}

impl<E: Element> Kernel for Widen<'_, E> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, _: S) {
        for (to, from) in self.to.iter_mut().zip(self.from) {
            *to = E::from_i8(*from);
        }
    }
}

/// Rows of integers times a vector, without the scales.
pub(super) struct Dots<'a, E> {
    pub(super) rows: &'a [i8],
    /// As many values as a row has.
    pub(super) x: &'a [E],
    pub(super) sums: &'a mut [f32],
}

impl<E: Element> Kernel for Dots<'_, E> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let rows = self.rows.chunks_exact(self.x.len().max(1));
        let mut at = 0;
        while at < rows.len() {
            // The last row stands for those that are missing.
            let four = [0, 1, 2, 3].map(|i| rows.clone().nth(i + at).or(rows.clone().next_back()).unwrap_or_default());
            for (sum, dot) in self.sums[at..].iter_mut().zip(dots(simd, four, self.x)) {
                *sum = dot;
            }
            at += four.len();
        }
    }
}

/// The products of four rows with `x`.
#[inline(always)]
fn dots<E: Element, S: Simd>(simd: S, rows: [&[i8]; 4], x: &[E]) -> [f32; 4] {
    let (whole, rest) = x.as_chunks::<LANES>();
    let [a, b, c, d] = rows.map(|row| row.as_chunks::<LANES>().0);
    let next = rows.len() * x.len();
    let mut sums = [simd.splat(0.0); 4];
    // Iterators side by side: indices would be looked at, each time for each row.
    for (at, ((((x, a), b), c), d)) in whole.iter().zip(a).zip(b).zip(c).zip(d).enumerate() {
        // For each cache line: rows are short, and processors guess too late that one follows on another.
        if at.is_multiple_of(4) {
            for row in [a, b, c, d] {
                simd.prefetch(row.as_ptr().cast::<u8>().wrapping_add(next));
            }
        }
        let x = E::load(simd, &Lanes::new(*x));
        let weights = [a, b, c, d].map(|row| simd.integers(row));
        sums = std::array::from_fn(|row| simd.mul_add(weights[row], x, sums[row]));
    }
    std::array::from_fn(|row| {
        let tail = rows[row][whole.len() * LANES..].iter().zip(rest);
        simd.sum(sums[row]) + tail.map(|(w, x)| f32::from(*w) * x.to_f32()).sum::<f32>()
    })
}

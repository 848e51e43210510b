//! The transforms of a row of tiles: to the points, and back.

use super::matrices::{self, POINTS};
use crate::element::Element;
use crate::map::Map;
use crate::simd::{Kernel, LANES, Lanes, Simd};

/// A vector for each point of a tile.
pub(super) const AREA: usize = POINTS * POINTS;

/// Brings a row of tiles of one block of channels to the points.
pub(super) struct Forward<'a, E: Element> {
    pub(super) input: &'a [Lanes<E>],
    pub(super) map: Map,
    pub(super) block: usize,
    /// The first input row, counted from the border's.
    pub(super) y: usize,
    /// From one tile to the next.
    pub(super) step: usize,
    /// For each point, a vector for each tile.
    pub(super) output: [&'a mut [Lanes]; AREA],
}

impl<E: Element> Kernel for Forward<'_, E> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let width = self.map.row_pixels();
        let block = &self.input[self.block * self.map.block_pixels()..][..self.map.block_pixels()];
        let rows: [&[Lanes<E>]; POINTS] = std::array::from_fn(|row| {
            block.get((self.y + row) * width..(self.y + row + 1) * width).unwrap_or_default()
        });
        for tile in 0..self.output[0].len() {
            let mut columns = [[simd.splat(0.0); POINTS]; POINTS];
            for (x, column) in columns.iter_mut().enumerate() {
                let mut values = [simd.splat(0.0); POINTS];
                for (value, row) in values.iter_mut().zip(rows) {
                    // What lies beyond the border only makes outputs that nobody wants.
                    if let Some(pixel) = row.get(tile * self.step + x) {
                        *value = E::load(simd, pixel);
                    }
                }
                *column = multiply(simd, &matrices::INPUT, values);
            }
            for y in 0..POINTS {
                let mut values = [simd.splat(0.0); POINTS];
                for (value, column) in values.iter_mut().zip(&columns) {
                    *value = column[y];
                }
                let values = multiply(simd, &matrices::INPUT, values);
                for (x, value) in values.into_iter().enumerate() {
                    simd.store(value, &mut self.output[y * POINTS + x][tile]);
                }
            }
        }
    }
}

/// Brings the sums at the points back to a row of tiles of `OUT` rows and columns of outputs, and adds the bias.
pub(super) struct Back<'a, E: Element, const OUT: usize> {
    /// For each point, a vector for each tile.
    pub(super) input: [&'a [Lanes]; AREA],
    pub(super) bias: &'a Lanes,
    pub(super) relu: bool,
    /// How many lanes are channels.
    pub(super) lanes: usize,
    /// Rows of outputs; fewer at the map's lower edge.
    pub(super) output: [Option<&'a mut [Lanes<E>]>; OUT],
}

impl<E: Element, const OUT: usize> Kernel for Back<'_, E, OUT> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(mut self, simd: S) {
        let matrix = const { matrices::output::<OUT>() };
        let bias = simd.load(self.bias);
        for tile in 0..self.input[0].len() {
            let mut columns = [[simd.splat(0.0); OUT]; POINTS];
            for (x, column) in columns.iter_mut().enumerate() {
                let mut values = [simd.splat(0.0); POINTS];
                for (y, value) in values.iter_mut().enumerate() {
                    let row = self.input[y * POINTS + x];
                    *value = simd.load(&row[tile]);
                    // The next row's lie behind these, and nothing but this tells the processor.
                    simd.prefetch(row.as_ptr().wrapping_add(row.len() + tile).cast());
                }
                *column = multiply(simd, &matrix, values);
            }
            for (y, row) in self.output.iter_mut().enumerate() {
                let Some(row) = row else { break };
                let mut values = [simd.splat(0.0); POINTS];
                for (value, column) in values.iter_mut().zip(&columns) {
                    *value = column[y];
                }
                let values = multiply(simd, &matrix, values);
                for (pixel, value) in row.iter_mut().skip(tile * OUT).zip(values) {
                    let value = simd.add(value, bias);
                    let value = if self.relu { simd.relu(value) } else { value };
                    if self.lanes == LANES {
                        E::store(simd, value, pixel);
                        continue;
                    }
                    // A NaN must not get where later layers count on zeros.
                    let mut lanes = Lanes::default();
                    E::store(simd, value, &mut lanes);
                    pixel.0[..self.lanes].copy_from_slice(&lanes.0[..self.lanes]);
                }
            }
        }
    }
}

/// A matrix, known to the compiler, times a vector of vectors.
#[inline(always)]
fn multiply<S: Simd, const OUT: usize, const IN: usize>(
    simd: S,
    matrix: &[[f32; IN]; OUT],
    values: [S::V; IN],
) -> [S::V; OUT] {
    // Loops rather than closures, which might not be compiled into the caller and its instruction set.
    let mut sums = [simd.splat(0.0); OUT];
    for (sum, row) in sums.iter_mut().zip(matrix) {
        for (factor, value) in row.iter().zip(values) {
            if *factor != 0.0 {
                *sum = simd.mul_add(simd.splat(*factor), value, *sum);
            }
        }
    }
    sums
}

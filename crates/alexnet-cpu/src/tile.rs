//! The one kernel in which nearly all multiplications happen: a register tile of a product of matrices.
//!
//! A tile has a few *blocks* of sixteen lanes and a few *rows*. Each row is a series of scalars in memory, each lane a series
//! of weights; their products are summed in registers. In a convolution the lanes are output channels and the rows are
//! neighbouring pixels; in a fully connected layer of many images the lanes are images and the rows are output features, so
//! that the matrix keeps the layout of its file.

use crate::element::Element;
use crate::simd::{Kernel, Lanes, Simd};

/// The bytes of a cache line.
const LINE: usize = 64;

/// What every row reads: runs of consecutive scalars, at offsets from the row's start.
#[derive(Clone, Debug, Default)]
pub(crate) struct Runs {
    list: Vec<(usize, usize)>,
    reach: usize,
}

impl Runs {
    /// `length` more scalars from `offset` on.
    pub(crate) fn push(&mut self, offset: usize, length: usize) {
        match self.list.last_mut() {
            Some((start, last)) if *start + *last == offset => *last += length,
            _ => self.list.push((offset, length)),
        }
        self.reach = self.reach.max(offset + length);
    }

    /// `length` scalars in a row.
    pub(crate) fn one(length: usize) -> Runs {
        let mut runs = Runs::default();
        runs.push(0, length);
        runs
    }

    /// How many vectors of weights a block has: one for each group of scalars of a run, and one for what is left of it.
    pub(crate) fn vectors<E: Element>(&self) -> usize {
        self.lengths().map(|length| length.div_ceil(E::GROUP)).sum()
    }

    /// The runs' lengths.
    pub(crate) fn lengths(&self) -> impl Iterator<Item = usize> {
        self.list.iter().map(|(_, length)| *length)
    }
}

/// What the sums start from.
#[derive(Clone, Copy)]
pub(crate) enum Start<'a> {
    /// A bias for each lane of each block.
    Lanes(&'a [Lanes]),
    /// A bias for each row.
    Rows(&'a [f32]),
    /// What the output holds.
    Output,
}

/// A product of rows and blocks, of any number of rows: cut into register tiles.
pub(crate) struct Product<'a, E: Element, O: Element, const BLOCKS: usize> {
    /// Where the rows lie.
    pub(crate) input: &'a [E],
    /// The first row's start.
    pub(crate) at: usize,
    /// From one row's start to the next.
    pub(crate) step: usize,
    pub(crate) runs: &'a Runs,
    /// As many lanes as a row has scalars, for each block.
    pub(crate) weights: [&'a [Lanes<E::Group>]; BLOCKS],
    pub(crate) start: Start<'a>,
    pub(crate) relu: bool,
    /// Whether rows come from memory rather than from a cache, and are asked for in advance.
    pub(crate) streamed: bool,
    /// The rows' sums, for each block.
    pub(crate) output: [&'a mut [Lanes<O>]; BLOCKS],
}

impl<E: Element, O: Element, const BLOCKS: usize> Kernel for Product<'_, E, O, BLOCKS> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        // A step that the compiler knows leaves one register for the rows' addresses instead of one for each.
        match (self.step, self.streamed) {
            (16, false) if Self::CONVOLVES => self.rows::<S, 16, false>(simd),
            (4, false) if Self::CONVOLVES => self.rows::<S, 4, false>(simd),
            (_, true) if Self::STREAMS => self.rows::<S, 0, true>(simd),
            _ => self.rows::<S, 0, false>(simd),
        }
    }
}

impl<E: Element, O: Element, const BLOCKS: usize> Product<'_, E, O, BLOCKS> {
    /// Convolutions write elements, fully connected layers sums: what isn't used needn't be compiled.
    const CONVOLVES: bool = size_of::<E>() == size_of::<O>();
    const STREAMS: bool = size_of::<O>() == size_of::<f32>();

    #[inline(always)]
    fn rows<S: Simd, const STEP: usize, const AHEAD: bool>(mut self, simd: S) {
        let rows = self.output[0].len();
        self.check(rows);
        let mut first = 0;
        for rows in shares(rows, S::TILE.1) {
            macro_rules! tile {
                ($($count:literal),*) => {
                    match rows {
                        $($count if $count <= S::TILE.1 => self.tile::<S, STEP, AHEAD, $count>(simd, first),)*
                        _ => {}
                    }
                };
            }
            tile!(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14);
            first += rows;
        }
    }

    /// That all that the tiles read and write without looking lies within the slices.
    fn check(&self, rows: usize) {
        let vectors = self.runs.vectors::<E>();
        assert!(self.output.iter().all(|block| block.len() == rows), "blocks of different lengths");
        assert!(self.weights.iter().all(|block| block.len() == vectors), "as many weights as scalars");
        let last = self.at + rows.saturating_sub(1) * self.step;
        assert!(last + self.runs.reach <= self.input.len(), "rows end in the input");
        match self.start {
            Start::Lanes(bias) => assert!(bias.len() == BLOCKS, "a bias for each block"),
            Start::Rows(bias) => assert!(bias.len() == rows, "a bias for each row"),
            Start::Output => {}
        }
    }

    /// `ROWS` rows from row `first` on.
    #[inline(always)]
    fn tile<S: Simd, const STEP: usize, const AHEAD: bool, const ROWS: usize>(&mut self, simd: S, first: usize) {
        let step = if STEP > 0 { STEP } else { self.step };
        // The sums of the inner loop are touched at indices that the compiler knows, or they would not stay in registers:
        // what loops over rows works on copies.
        let mut sums = self.start::<S, ROWS>(simd, first);
        let input = self.input[self.at + first * self.step..].as_ptr();
        let mut weights = self.weights.map(<[Lanes<E::Group>]>::as_ptr);
        for &(offset, length) in &self.runs.list {
            // SAFETY: `check` has seen that the last row and with it this one, from `at + first * step` on, has all of its
            // runs within `input`, and that each block of weights has a vector for each group of the runs, which this
            // loop goes through once. An address asked for in advance may lie anywhere: it isn't read.
            unsafe {
                let run = input.add(offset);
                let whole = length / E::GROUP * E::GROUP;
                let mut at = 0;
                while at < whole {
                    if AHEAD && at.is_multiple_of(LINE / size_of::<E>()) {
                        for row in 0..ROWS {
                            simd.prefetch(run.wrapping_add(row * step + at).cast::<u8>().wrapping_add(512));
                        }
                    }
                    // Weights may come from memory.
                    if STEP == 16 {
                        for from in weights {
                            simd.prefetch(from.wrapping_add(32).cast());
                        }
                    }
                    let scalars = |row: usize| *run.add(row * step + at).cast::<E::Group>();
                    multiply::<E, S, BLOCKS, ROWS>(simd, weights, scalars, &mut sums);
                    weights = weights.map(|from| from.add(1));
                    at += E::GROUP;
                }
                // What is left is less than a group, and nothing behind it is read.
                if E::GROUP > 1 && whole < length {
                    let scalars = |row: usize| E::group(&[*run.add(row * step + whole)]);
                    multiply::<E, S, BLOCKS, ROWS>(simd, weights, scalars, &mut sums);
                    weights = weights.map(|from| from.add(1));
                }
            }
        }
        self.finish::<S, ROWS>(simd, first, sums);
    }

    #[inline(always)]
    fn start<S: Simd, const ROWS: usize>(&self, simd: S, first: usize) -> [[S::V; BLOCKS]; ROWS] {
        let mut sums = [[simd.splat(0.0); BLOCKS]; ROWS];
        for (row, sums) in sums.iter_mut().enumerate() {
            for (block, sum) in sums.iter_mut().enumerate() {
                *sum = match self.start {
                    Start::Lanes(bias) => simd.load(&bias[block]),
                    Start::Rows(bias) => simd.splat(bias[first + row]),
                    Start::Output => O::load(simd, &self.output[block][first + row]),
                };
            }
        }
        sums
    }

    #[inline(always)]
    fn finish<S: Simd, const ROWS: usize>(&mut self, simd: S, first: usize, sums: [[S::V; BLOCKS]; ROWS]) {
        for (row, sums) in sums.iter().enumerate() {
            for (block, sum) in sums.iter().enumerate() {
                let sum = if self.relu { simd.relu(*sum) } else { *sum };
                O::store(simd, sum, &mut self.output[block][first + row]);
            }
        }
    }
}

/// Adds to `sums` the products of a vector of each block's weights with each row's scalars.
///
/// # Safety
///
/// There is a vector at each address of `weights`.
#[inline(always)]
unsafe fn multiply<E: Element, S: Simd, const BLOCKS: usize, const ROWS: usize>(
    simd: S,
    weights: [*const Lanes<E::Group>; BLOCKS],
    scalars: impl Fn(usize) -> E::Group,
    sums: &mut [[S::V; BLOCKS]; ROWS],
) {
    // SAFETY: the caller's word.
    let vectors = weights.map(|from| E::load_groups(simd, unsafe { &*from }));
    for (row, sums) in sums.iter_mut().enumerate() {
        let scalars = E::splat(simd, scalars(row));
        for (sum, vector) in sums.iter_mut().zip(vectors) {
            *sum = E::dot(simd, vector, scalars, *sum);
        }
    }
}

/// `count` in shares of at most `most`, as equal as can be.
#[inline(always)]
fn shares(count: usize, most: usize) -> impl Iterator<Item = usize> {
    let parts = count.div_ceil(most).max(1);
    (0..parts).map(move |part| count / parts + usize::from(part < count % parts))
}

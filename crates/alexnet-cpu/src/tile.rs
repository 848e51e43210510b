//! The one kernel in which nearly all multiplications happen: a register tile of a product of matrices.
//!
//! A tile has a few *blocks* of sixteen lanes and a few *rows*. Each row is a series of scalars in memory, each lane a series
//! of weights; their products are summed in registers. In a convolution the lanes are output channels and the rows are
//! neighbouring pixels; in a fully connected layer of many images the lanes are images and the rows are output features, so
//! that the matrix keeps the layout of its file.

use crate::simd::{Kernel, Lanes, Simd};

/// What every row reads: runs of consecutive scalars, at offsets from the row's start.
#[derive(Clone, Debug, Default)]
pub(crate) struct Runs {
    list: Vec<(usize, usize)>,
    scalars: usize,
    reach: usize,
}

impl Runs {
    /// `length` more scalars from `offset` on.
    pub(crate) fn push(&mut self, offset: usize, length: usize) {
        match self.list.last_mut() {
            Some((start, last)) if *start + *last == offset => *last += length,
            _ => self.list.push((offset, length)),
        }
        self.scalars += length;
        self.reach = self.reach.max(offset + length);
    }

    /// `length` scalars in a row.
    pub(crate) fn one(length: usize) -> Runs {
        let mut runs = Runs::default();
        runs.push(0, length);
        runs
    }

    /// How many scalars a row has.
    pub(crate) fn scalars(&self) -> usize {
        self.scalars
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
pub(crate) struct Product<'a, const BLOCKS: usize> {
    /// Where the rows lie.
    pub(crate) input: &'a [f32],
    /// The first row's start.
    pub(crate) at: usize,
    /// From one row's start to the next.
    pub(crate) step: usize,
    pub(crate) runs: &'a Runs,
    /// As many lanes as a row has scalars, for each block.
    pub(crate) weights: [&'a [Lanes]; BLOCKS],
    pub(crate) start: Start<'a>,
    pub(crate) relu: bool,
    /// Whether rows come from memory rather than from a cache, and are asked for in advance.
    pub(crate) streamed: bool,
    /// The rows' sums, for each block.
    pub(crate) output: [&'a mut [Lanes]; BLOCKS],
}

impl<const BLOCKS: usize> Kernel for Product<'_, BLOCKS> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        // A step that the compiler knows leaves one register for the rows' addresses instead of one for each.
        match (self.step, self.streamed) {
            (16, _) => self.rows::<S, 16, false>(simd),
            (4, _) => self.rows::<S, 4, false>(simd),
            (_, false) => self.rows::<S, 0, false>(simd),
            (_, true) => self.rows::<S, 0, true>(simd),
        }
    }
}

impl<const BLOCKS: usize> Product<'_, BLOCKS> {
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
        let scalars = self.runs.scalars;
        assert!(self.output.iter().all(|block| block.len() == rows), "blocks of different lengths");
        assert!(self.weights.iter().all(|block| block.len() == scalars), "as many weights as scalars");
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
        let mut weights = self.weights.map(<[Lanes]>::as_ptr);
        for &(offset, length) in &self.runs.list {
            // SAFETY: `check` has seen that the last row and with it this one, from `at + first * step` on, has all of its
            // runs within `input`, and that each block of weights has a vector for each scalar of the runs, which this
            // loop goes through once. An address asked for in advance may lie anywhere: it isn't read.
            unsafe {
                let run = input.add(offset);
                for at in 0..length {
                    if AHEAD && at % 16 == 0 {
                        for row in 0..ROWS {
                            simd.prefetch(run.wrapping_add(row * step + at + 128));
                        }
                    }
                    let vectors = weights.map(|from| simd.load(&*from));
                    weights = weights.map(|from| from.add(1));
                    for (row, sums) in sums.iter_mut().enumerate() {
                        let scalar = simd.splat(*run.add(row * step + at));
                        for (sum, vector) in sums.iter_mut().zip(vectors) {
                            *sum = simd.mul_add(vector, scalar, *sum);
                        }
                    }
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
                    Start::Output => simd.load(&self.output[block][first + row]),
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
                simd.store(sum, &mut self.output[block][first + row]);
            }
        }
    }
}

/// `count` in shares of at most `most`, as equal as can be.
#[inline(always)]
fn shares(count: usize, most: usize) -> impl Iterator<Item = usize> {
    let parts = count.div_ceil(most).max(1);
    (0..parts).map(move |part| count / parts + usize::from(part < count % parts))
}

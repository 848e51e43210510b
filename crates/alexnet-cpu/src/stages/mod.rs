//! The layers before the classifier, one file each: what a fused stage computes for one image.

mod adaptive_avg_pool2d;
mod affine;
mod arrange;
mod conv2d;
mod local_response_norm;
mod max_pool2d;
mod power;
mod spatial_response_norm;
mod winograd;

use crate::element::Element;
use crate::map::Map;
use crate::memory::{Buffer, Input};
use crate::simd::{Isa, Kernel, Lanes, Simd};
use std::fmt::Debug;

pub(crate) use adaptive_avg_pool2d::AdaptiveAvgPool2d;
pub(crate) use affine::Affine;
pub(crate) use arrange::{Block, Pad, unblock};
pub(crate) use conv2d::{Conv2d, Source};
pub(crate) use local_response_norm::LocalResponseNorm;
pub(crate) use max_pool2d::MaxPool2d;
pub(crate) use spatial_response_norm::SpatialResponseNorm;
pub(crate) use winograd::{Scratch, Winograd};

/// A stage of the network for one image, in items that threads can share.
pub(crate) trait Stage<E: Element = f32>: Debug + Send + Sync {
    /// How many items the work has.
    fn items(&self) -> usize;

    /// How many vectors the output has.
    fn length(&self) -> usize;

    /// Does item `item`. Items write to parts of the output that don't overlap, and leave a border alone.
    ///
    /// # Safety
    ///
    /// `output` has [`length`](Stage::length) vectors. While the call lasts, nobody reads it and nobody runs the same item
    /// on it.
    unsafe fn run(&self, isa: Isa, item: usize, input: Input<E>, output: &Buffer<E>);
}

/// A stage whose items are the rows of its output's blocks.
pub(crate) trait Rows: Debug + Send + Sync {
    fn output(&self) -> &Map;

    /// Computes row `y` of `block`.
    fn row<E: Element, S: Simd>(&self, simd: S, at: (usize, usize), input: Input<E>, output: &mut [Lanes<E>]);
}

impl<E: Element, R: Rows> Stage<E> for R {
    fn items(&self) -> usize {
        self.output().blocks() * self.output().height
    }

    fn length(&self) -> usize {
        self.output().pixels()
    }

    unsafe fn run(&self, isa: Isa, item: usize, input: Input<E>, output: &Buffer<E>) {
        let map = self.output();
        let at = (item / map.height, item % map.height);
        // SAFETY: each item has its own block and row, so this row is written by this call alone.
        let output = unsafe { output.part(map.row(at.0, at.1)) };
        isa.run(Row { stage: self, at, input, output });
    }
}

struct Row<'a, E: Element, R> {
    stage: &'a R,
    at: (usize, usize),
    input: Input<'a, E>,
    output: &'a mut [Lanes<E>],
}

impl<E: Element, R: Rows> Kernel for Row<'_, E, R> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        self.stage.row(simd, self.at, self.input, self.output);
    }
}

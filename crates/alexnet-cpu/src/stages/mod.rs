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
use crate::memory::{Buffer, Input};
use crate::simd::Isa;
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

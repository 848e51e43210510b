//! The classifier: fully connected layers over the features of all images of a batch.
//!
//! With a few images the matrices' way from memory is all that counts: they stream through once, and every row is multiplied
//! with each image. With more, arithmetic counts, and the lanes are images: see [`crate::tile`]. Either way a matrix keeps
//! the layout of its file, `[out, in]`, and belongs to the caller.

mod dots;
mod many;

use crate::memory::Buffer;
use crate::simd::{Isa, LANES, Lanes, values_mut};
use crate::team::Step;
use many::IMAGES;

/// The most images for which rows are multiplied image by image.
const FEW: usize = 4;

/// A layer of the classifier.
#[derive(Debug)]
pub(crate) enum Layer {
    /// `x W^T + b`, and a ReLU where one follows.
    Linear { matrix: usize, inputs: usize, bias: Vec<f32>, relu: bool },
    /// `scale * x + shift` for each feature: batch norm outside training. Or a ReLU alone.
    Affine { scale: Vec<f32>, shift: Vec<f32>, relu: bool },
}

impl Layer {
    pub(crate) fn outputs(&self) -> usize {
        match self {
            Layer::Linear { bias, .. } => bias.len(),
            Layer::Affine { shift, .. } => shift.len(),
        }
    }
}

/// How the features of several images lie in memory.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Order {
    /// Image by image, each from the start of a vector on.
    Images,
    /// In blocks of sixteen images, each block's features one after the other, each feature a vector of the images.
    Blocks,
}

impl Order {
    /// The order in which `images` are worked on.
    pub(crate) fn of(images: usize) -> Order {
        if images <= FEW { Order::Images } else { Order::Blocks }
    }

    /// How many vectors `images` of `features` each take.
    pub(crate) fn length(self, images: usize, features: usize) -> usize {
        match self {
            Order::Images => images * features.div_ceil(LANES),
            Order::Blocks => images.div_ceil(IMAGES) * features,
        }
    }

    /// Feature `feature` of image `image` among the values.
    fn position(self, features: usize, image: usize, feature: usize) -> usize {
        match self {
            Order::Images => image * features.next_multiple_of(LANES) + feature,
            Order::Blocks => (image / IMAGES * features + feature) * IMAGES + image % IMAGES,
        }
    }
}

/// The steps from `features`, which lie image by image, through `layers`, each with a buffer of its own; `packed` is where
/// the features are brought into blocks.
pub(crate) fn steps<'a>(
    layers: &'a [(String, Layer)],
    images: usize,
    (isa, threads): (Isa, usize),
    matrices: &'a [&'a [f32]],
    (features, packed, outputs): (&'a Buffer, &'a Buffer, &'a [Buffer]),
    count: usize,
) -> Vec<Step<'a>> {
    let order = Order::of(images);
    let mut steps = Vec::new();
    let mut from = (features, count);
    if order == Order::Blocks && !layers.is_empty() {
        steps.push(many::pack(images, count, features, packed, threads));
        from.0 = packed;
    }
    for ((name, layer), to) in layers.iter().zip(outputs) {
        steps.push(match (layer, order) {
            (Layer::Linear { matrix, inputs, bias, relu }, Order::Images) => {
                dots::linear(name, (matrices[*matrix], *inputs, bias), *relu, images, (isa, threads), (from.0, to))
            }
            (Layer::Linear { matrix, inputs, bias, relu }, Order::Blocks) => {
                many::linear(name, (matrices[*matrix], *inputs, bias), *relu, images, (isa, threads), (from.0, to))
            }
            (Layer::Affine { .. }, _) => affine(name, layer, images, order, from, to),
        });
        from = (to, layer.outputs());
    }
    steps
}

fn affine<'a>(
    name: &'a str,
    layer: &'a Layer,
    images: usize,
    order: Order,
    (from, count): (&'a Buffer, usize),
    to: &'a Buffer,
) -> Step<'a> {
    Step::each(name, 1, move |_, _| {
        let Layer::Affine { scale, shift, relu } = layer else { return };
        let length = order.length(images, count);
        // SAFETY: this step is the only one to run, and it has one item.
        let (from, to) = unsafe { (from.read(), values_mut(to.part(0..length))) };
        let from = crate::simd::values(from);
        for image in 0..images {
            for (feature, (scale, shift)) in scale.iter().zip(shift).enumerate() {
                let at = order.position(count, image, feature);
                let y = from[at] * scale + shift;
                to[at] = if *relu && y < 0.0 { 0.0 } else { y };
            }
        }
    })
}

/// The `count` values of each of `images` from a buffer in `order`, image by image.
pub(crate) fn collect(order: Order, images: usize, count: usize, from: &[Lanes], to: &mut [f32]) {
    let from = crate::simd::values(from);
    for (image, to) in to.chunks_exact_mut(count.max(1)).take(images).enumerate() {
        for (feature, to) in to.iter_mut().enumerate() {
            *to = from[order.position(count, image, feature)];
        }
    }
}

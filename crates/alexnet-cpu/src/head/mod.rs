//! The classifier: fully connected layers over the features of all images of a batch.
//!
//! With a few images the matrices' way from memory is all that counts: they stream through once, and every row is multiplied
//! with each image. With more, arithmetic counts, and the lanes are images: see [`crate::tile`]. Either way a matrix keeps
//! the layout of its file, `[out, in]`, and belongs to the caller, unless it was brought into eight bits: see [`Int8`].

mod dots;
mod int8;
mod many;

use crate::element::{Element, Stored};
use crate::memory::Buffer;
use crate::simd::{Isa, LANES, Lanes, values, values_mut};
use crate::team::Step;
use many::IMAGES;

pub(crate) use int8::Int8;

/// The most images for which rows are multiplied image by image.
const FEW: usize = 4;

/// Features, in groups.
type Groups<E> = Buffer<<E as Stored>::Group>;

/// A layer of the classifier.
#[derive(Debug)]
pub(crate) enum Layer {
    /// `x W^T + b`, and a ReLU where one follows.
    Linear { matrix: Matrix, inputs: usize, bias: Vec<f32>, relu: bool },
    /// `scale * x + shift` for each feature: batch norm outside training. Or a ReLU alone.
    Affine { scale: Vec<f32>, shift: Vec<f32>, relu: bool },
}

/// A fully connected layer's weights, `[out, in]`.
#[derive(Debug)]
pub(crate) enum Matrix {
    /// The caller's, by their place in the list.
    Given(usize),
    Int8(Int8),
}

/// [`Matrix`], with the caller's elements.
#[derive(Clone, Copy)]
enum Weights<'a, E> {
    Given(&'a [E]),
    Int8(&'a Int8),
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
    /// In blocks of sixteen images, each block's features one after the other, each group of features a vector of the
    /// images.
    Blocks,
}

impl Order {
    /// The order in which `images` are worked on.
    pub(crate) fn of(images: usize) -> Order {
        if images <= FEW { Order::Images } else { Order::Blocks }
    }

    /// How many vectors of groups `images` of `features` each take.
    pub(crate) fn length<E: Element>(self, images: usize, features: usize) -> usize {
        match self {
            Order::Images => images * features.div_ceil(LANES * E::GROUP),
            Order::Blocks => images.div_ceil(IMAGES) * features.div_ceil(E::GROUP),
        }
    }

    /// Feature `feature` of image `image` among the values.
    fn position<E: Element>(self, features: usize, image: usize, feature: usize) -> usize {
        match self {
            Order::Images => image * features.next_multiple_of(LANES * E::GROUP) + feature,
            Order::Blocks => {
                let group = image / IMAGES * features.div_ceil(E::GROUP) + feature / E::GROUP;
                (group * IMAGES + image % IMAGES) * E::GROUP + feature % E::GROUP
            }
        }
    }
}

/// The steps from `features`, which lie image by image, through `layers`, each with a buffer of its own; `packed` is where
/// the features are brought into blocks.
pub(crate) fn steps<'a, E: Element>(
    layers: &'a [(String, Layer)],
    images: usize,
    (isa, threads): (Isa, usize),
    matrices: &'a [&'a [E]],
    ([features, packed], outputs): ([&'a Buffer<E::Group>; 2], &'a [Groups<E>]),
    count: usize,
) -> Vec<Step<'a>> {
    let order = Order::of(images);
    let mut steps = Vec::new();
    let mut from = (features, count);
    if order == Order::Blocks && !layers.is_empty() {
        steps.push(many::pack::<E>(images, count, features, packed, threads));
        from.0 = packed;
    }
    for ((name, layer), to) in layers.iter().zip(outputs) {
        let weights = |matrix: &'a Matrix| match matrix {
            Matrix::Given(place) => Weights::Given(matrices[*place]),
            Matrix::Int8(matrix) => Weights::Int8(matrix),
        };
        steps.push(match (layer, order) {
            (Layer::Linear { matrix, inputs, bias, relu }, Order::Images) => {
                dots::linear(name, (weights(matrix), *inputs, bias), *relu, images, (isa, threads), (from.0, to))
            }
            (Layer::Linear { matrix, inputs, bias, relu }, Order::Blocks) => {
                many::linear(name, (weights(matrix), *inputs, bias), *relu, images, (isa, threads), (from.0, to))
            }
            (Layer::Affine { .. }, _) => affine::<E>(name, layer, images, order, from, to),
        });
        from = (to, layer.outputs());
    }
    steps
}

fn affine<'a, E: Element>(
    name: &'a str,
    layer: &'a Layer,
    images: usize,
    order: Order,
    (from, count): (&'a Buffer<E::Group>, usize),
    to: &'a Buffer<E::Group>,
) -> Step<'a> {
    Step::each(name, 1, move |_, _| {
        let Layer::Affine { scale, shift, relu } = layer else { return };
        let length = order.length::<E>(images, count);
        // SAFETY: this step is the only one to run, and it has one item.
        let (from, to) = unsafe { (from.read(), to.part(0..length)) };
        let (from, to) = (E::flat(values(from)), E::flat_mut(values_mut(to)));
        for image in 0..images {
            for (feature, (scale, shift)) in scale.iter().zip(shift).enumerate() {
                let at = order.position::<E>(count, image, feature);
                to[at] = activated(from[at].to_f32() * scale + shift, *relu);
            }
        }
    })
}

/// `y`, or 0 in place of what is below it: NaN and -0 stay.
fn activated<E: Element>(y: f32, relu: bool) -> E {
    E::from_f32(if relu && y < 0.0 { 0.0 } else { y })
}

/// The `count` values of each of `images` from a buffer in `order`, image by image.
pub(crate) fn collect<E: Element>(order: Order, images: usize, count: usize, from: &[Lanes<E::Group>], to: &mut [E]) {
    let from = E::flat(values(from));
    for (image, to) in to.chunks_exact_mut(count.max(1)).take(images).enumerate() {
        for (feature, to) in to.iter_mut().enumerate() {
            *to = from[order.position::<E>(count, image, feature)];
        }
    }
}

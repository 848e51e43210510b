//! In which order of axes a checkpoint's tensors seem to be, for the draft of a map.

use super::NAMED;
use alexnet_spec::Tensor;
use std::collections::BTreeSet;

/// What a tensor has to go through before it is a parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Transforms {
    None,
    Named(&'static str),
}

/// The layouts that a checkpoint's kernels and matrices seem to have.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Layouts {
    /// That of a first kernel, of 3 input channels and 11 pixels: no other axis can be mistaken for these.
    kernels: Option<&'static str>,
    /// Whether matrices have a row for each input. A square one doesn't show it itself.
    turned: bool,
}

impl Layouts {
    pub(super) fn seen(tensors: &[(String, &Tensor)]) -> Layouts {
        let shapes = || tensors.iter().map(|(_, tensor)| tensor.shape());
        let first = |shape: &[usize]| matches!(shape, [_, 3, height, width] if height == width && *height > 3);
        let kernels = shapes().find_map(|shape| {
            let turned = NAMED.iter().find(|(_, axes)| permuted(shape, axes).is_some_and(|shape| first(&shape)));
            turned.filter(|_| !first(shape)).map(|(name, _)| *name)
        });
        // Each layer's outputs are as many as its biases, wherever in its matrix they are.
        let vectors: BTreeSet<usize> =
            shapes().filter_map(|shape| <[usize; 1]>::try_from(shape).ok()).flatten().collect();
        let (mut rows, mut columns) = (0usize, 0usize);
        for shape in shapes() {
            let [a, b] = shape else { continue };
            match (vectors.contains(a), vectors.contains(b)) {
                (true, false) => rows = rows.saturating_add(1),
                (false, true) => columns = columns.saturating_add(1),
                _ => {}
            }
        }
        let turned = if rows == columns { kernels.is_some() } else { columns > rows };
        Layouts { kernels, turned }
    }

    /// Whether kernels lie as in TensorFlow, Keras and Flax, which flatten a map pixel by pixel.
    pub(super) fn height_width_channel(&self) -> bool {
        self.kernels == Some("hwio")
    }

    /// What a tensor of this shape can be, the likeliest first: the transform and the shape after it.
    pub(super) fn readings(&self, shape: &[usize]) -> impl Iterator<Item = (Transforms, Vec<usize>)> {
        let plain = Some((Transforms::None, shape.to_vec()));
        let turned = |name: &'static str, axes: &[usize]| Some((Transforms::Named(name), permuted(shape, axes)?));
        let mut readings = vec![plain];
        readings.extend(NAMED.iter().map(|(name, axes)| turned(name, axes)));
        readings.push(turned("transpose", &[1, 0]));
        let likely = |transforms: &Transforms| match (shape.len(), transforms) {
            (2, Transforms::Named(_)) => self.turned,
            (2, Transforms::None) => !self.turned,
            (4, Transforms::Named(name)) => self.kernels == Some(name),
            (4, Transforms::None) => self.kernels.is_none(),
            _ => true,
        };
        let mut readings: Vec<_> = readings.into_iter().flatten().collect();
        readings.sort_by_key(|(transforms, _)| !likely(transforms));
        readings.into_iter()
    }
}

/// The shape with its axes in another order; `None` where it has another number of them.
fn permuted(shape: &[usize], axes: &[usize]) -> Option<Vec<usize>> {
    let permuted = axes.iter().map(|axis| shape.get(*axis).copied()).collect::<Option<Vec<_>>>()?;
    (shape.len() == axes.len()).then_some(permuted)
}

use super::{Attempt, CLOSER, Case, EXAMPLES, Example, Piece, REPRODUCES};
use crate::array::Array;
use alexnet_spec::layers::{BatchNorm2d, Conv2d, Linear, LocalResponseNorm, MaxPool2d};
use alexnet_spec::{Layer, Network, Op, Shape, Tensor, Weights};

/// The layers between two known values, one of which makes the difference.
pub(super) struct Suspect<'a> {
    /// The reference.
    pub network: &'a Network,
    /// The reference's weights.
    pub weights: &'a Weights,
    /// The layers as they should be.
    pub piece: Piece,
    /// The layer that comes after them.
    pub next: Option<&'a Layer>,
    /// Whether they begin with the image.
    pub image: bool,
    /// What both sides made of the same inputs.
    pub examples: &'a [Example],
    /// The difference, as a part of the largest value found.
    baseline: f64,
}

/// A layer of the suspect with its place and the shape of its input.
pub(super) struct Place<'a, T> {
    pub index: usize,
    pub name: &'a str,
    pub op: &'a T,
    pub input: Shape,
}

impl<'a> Suspect<'a> {
    /// None where there is no such layer, nothing differs, or the reference doesn't give what it is said to.
    pub fn new(case: &Case<'a>) -> Option<Suspect<'a>> {
        let steps = case.network.trace().ok()?;
        let position = |name: &str| steps.iter().position(|step| step.layer.name == name);
        let last = match case.layer {
            "logits" => steps.iter().rposition(|step| matches!(step.layer.op, Op::Linear(_)))?,
            layer => position(layer)?,
        };
        let first = match case.after {
            Some(after) => position(after)?.checked_add(1)?,
            None => 0,
        };
        let own = steps.get(first..=last)?;
        let parameters = own.iter().flat_map(|step| &step.parameters);
        let tensors = parameters.map(|p| Some((p.name.clone(), case.weights.get(&p.name)?.clone())));
        let piece = Piece {
            input: own.first()?.input,
            layers: own.iter().map(|step| step.layer.clone()).collect(),
            tensors: tensors.collect::<Option<_>>()?,
        };
        let examples = case.examples.get(..case.examples.len().min(EXAMPLES))?;
        let baseline = examples.iter().map(|e| gap(&e.expected, e)).fold(0.0, f64::max);
        let explained = examples.iter().all(|example| {
            piece.run(&example.input).is_ok_and(|output| distance(&output, &example.expected) <= REPRODUCES)
        });
        (baseline > 0.0 && explained).then(|| Suspect {
            network: case.network,
            weights: case.weights,
            piece,
            next: steps.get(last.saturating_add(1)).map(|step| step.layer),
            image: first == 0,
            examples,
            baseline,
        })
    }

    /// What is left of the difference once the mistake is made; none where the mistake doesn't explain it.
    pub fn remaining(&self, attempt: &Attempt<'_>) -> Option<f64> {
        let mut worst = 0.0f64;
        for example in self.examples {
            worst = worst.max(gap(&attempt.run(example)?, example));
            if worst > REPRODUCES || worst * CLOSER > self.baseline {
                return None;
            }
        }
        Some(worst)
    }

    /// The last layer's operation.
    pub fn last(&self) -> Option<&Layer> {
        self.piece.layers.last()
    }

    /// The tensor of the last layer that plays `role`.
    pub fn tensor(&self, role: &str) -> Option<&Tensor> {
        self.piece.tensors.get(&format!("{}.{role}", self.last()?.name))
    }

    /// The input of the last layer for each example, as the layers before it make it.
    pub fn inputs_of_last(&self) -> Option<Vec<Array>> {
        let before = self.piece.before_last();
        self.examples.iter().map(|example| before.run(&example.input).ok()).collect()
    }

    /// Whether all examples were found in the shape that was expected.
    pub fn same_shapes(&self) -> bool {
        self.examples.iter().all(|example| example.expected.shape == example.found.shape)
    }

    fn places<T>(&self, which: impl Fn(&Op) -> Option<&T>) -> Vec<Place<'_, T>> {
        let inputs = self.piece.inputs();
        let layers = self.piece.layers.iter().zip(inputs).enumerate();
        layers
            .filter_map(|(index, (layer, input))| {
                Some(Place { index, name: &layer.name, op: which(&layer.op)?, input })
            })
            .collect()
    }

    pub fn convolutions(&self) -> Vec<Place<'_, Conv2d>> {
        self.places(|op| if let Op::Conv2d(op) = op { Some(op) } else { None })
    }

    pub fn linears(&self) -> Vec<Place<'_, Linear>> {
        self.places(|op| if let Op::Linear(op) = op { Some(op) } else { None })
    }

    pub fn norms(&self) -> Vec<Place<'_, LocalResponseNorm>> {
        self.places(|op| if let Op::LocalResponseNorm(op) = op { Some(op) } else { None })
    }

    pub fn batch_norms(&self) -> Vec<Place<'_, BatchNorm2d>> {
        self.places(|op| if let Op::BatchNorm2d(op) = op { Some(op) } else { None })
    }

    pub fn pools(&self) -> Vec<Place<'_, MaxPool2d>> {
        self.places(|op| if let Op::MaxPool2d(op) = op { Some(op) } else { None })
    }
}

/// The largest difference of two arrays, as a part of the largest value of the second; infinite where they can't be
/// compared.
pub(super) fn distance(made: &Array, other: &Array) -> f64 {
    distance_of_scale(made, other, largest(other))
}

/// The distance of what was made from what an example found. Zeros are measured against what was expected.
fn gap(made: &Array, example: &Example) -> f64 {
    let scale = largest(&example.found);
    distance_of_scale(made, &example.found, if scale > 0.0 { scale } else { largest(&example.expected) })
}

fn largest(array: &Array) -> f64 {
    array.data.iter().fold(0.0, |m: f64, v| m.max(f64::from(v.abs())))
}

fn distance_of_scale(a: &Array, b: &Array, scale: f64) -> f64 {
    let finite = |array: &Array| array.data.iter().all(|v| v.is_finite());
    if a.shape != b.shape || !finite(a) || !finite(b) {
        return f64::INFINITY;
    }
    let pairs = a.data.iter().zip(&b.data);
    let largest = pairs.map(|(a, b)| (f64::from(*a) - f64::from(*b)).abs()).fold(0.0, f64::max);
    if largest == 0.0 { 0.0 } else { largest / scale }
}

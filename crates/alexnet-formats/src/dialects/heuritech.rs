//! heuritech's `convnets-keras`: theano_alexnet's network in Keras 1, with weights in `alexnet_weights.h5`. Kernels are OIHW for
//! Theano's true convolution, which turns them by 180 degrees; the towers of 2012 are layers of their own; matrices are
//! `[in, out]` with the rows of a map in the order channel, height, width.

use super::{Candidates, Dialect, Origin};
use crate::Transform;

pub(super) const DIALECT: Dialect = Dialect {
    name: "heuritech",
    about: "heuritech/convnets-keras: conv_1 to dense_3 in Keras 1 on Theano, kernels turned by 180 degrees",
    origin,
    candidates: |_| {
        Some(Candidates {
            likely: Some("theano-alexnet"),
            guessed: Some(
                "Theano's kernels and its network by the names alone; the matrices as they are, as heuritech's own network takes \
                 them, so that theano_alexnet's dropout factor of 0.5 is taken to be in them",
            ),
            others: &[],
        })
    },
};

/// Layers, and in how many towers they come.
const LAYERS: [(&str, &str, usize); 8] = [
    ("conv1", "conv_1", 1),
    ("conv2", "conv_2", 2),
    ("conv3", "conv_3", 1),
    ("conv4", "conv_4", 2),
    ("conv5", "conv_5", 2),
    ("fc6", "dense_1", 1),
    ("fc7", "dense_2", 1),
    ("fc8", "dense_3", 1),
];

fn origin(parameter: &str) -> Option<Origin> {
    let (layer, role) = parameter.split_once('.')?;
    let (_, name, towers) = *LAYERS.iter().find(|(ours, ..)| *ours == layer)?;
    let (letter, step) = match role {
        "weight" if name.starts_with("conv") => ("W", Some(Transform::Flip180)),
        "weight" => ("W", Some(Transform::Transpose)),
        "bias" => ("b", None),
        _ => return None,
    };
    let source = |name: &str| format!("{name}/{name}_{letter}");
    let sources = match towers {
        1 => vec![source(name)],
        _ => (1..=towers).map(|tower| source(&format!("{name}_{tower}"))).collect(),
    };
    let together = (towers > 1).then_some(Transform::ConcatenateAlong(0));
    let transform = match (together, step) {
        (Some(together), Some(step)) => Transform::Chain(vec![together, step]),
        (Some(one), None) | (None, Some(one)) => one,
        (None, None) => Transform::Identity,
    };
    Some(Origin { sources, transform })
}

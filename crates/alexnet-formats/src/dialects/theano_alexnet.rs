//! `uoguelph-mlrg/theano_alexnet`: layers by number, kernels as (in, height, width, out) for a true convolution, which turns
//! them by 180 degrees; a layer of two groups has a file for each half.
//!
//! Its dropout (`lib/layers.py`) halves what comes out of fc6 and fc7 at test time: ours is the identity, so the factor goes
//! into the weights of fc7 and fc8.

use super::{Candidates, Dialect, Origin};
use crate::Transform;

pub(super) const DIALECT: Dialect = Dialect {
    name: "theano-alexnet",
    about: "uoguelph-mlrg/theano_alexnet: W_0 to b_7, kernels turned by 180 degrees, dropout of factor 0.5",
    origin,
    candidates: |_| Some(Candidates::only("theano-alexnet")),
};

/// The numbers of the layers, and whether each is in halves.
const LAYERS: [(&str, usize, bool); 8] = [
    ("conv1", 0, false),
    ("conv2", 1, true),
    ("conv3", 2, false),
    ("conv4", 3, true),
    ("conv5", 4, true),
    ("fc6", 5, false),
    ("fc7", 6, false),
    ("fc8", 7, false),
];

fn origin(parameter: &str) -> Option<Origin> {
    let (layer, role) = parameter.split_once('.')?;
    let (_, number, halves) = *LAYERS.iter().find(|(name, ..)| *name == layer)?;
    let (letter, outputs, mut steps) = match (role, layer) {
        ("weight", "fc6") => ("W", 1, vec![Transform::Transpose]),
        ("weight", "fc7" | "fc8") => ("W", 1, vec![Transform::Transpose, Transform::Scale(0.5)]),
        ("weight", _) => ("W", 3, vec![Transform::Permute(vec![3, 0, 1, 2]), Transform::Flip180]),
        ("bias", _) => ("b", 0, Vec::new()),
        _ => return None,
    };
    let sources = match halves {
        true => {
            steps.insert(0, Transform::ConcatenateAlong(outputs));
            vec![format!("{letter}0_{number}"), format!("{letter}1_{number}")]
        }
        false => vec![format!("{letter}_{number}")],
    };
    let transform = match steps.len() {
        0 => Transform::Identity,
        1 => steps.remove(0),
        _ => Transform::Chain(steps),
    };
    Some(Origin { sources, transform })
}

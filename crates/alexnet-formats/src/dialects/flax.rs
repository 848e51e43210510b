//! Flax's linen modules under the names that `@nn.compact` gives them: `Conv_0/kernel` (HWIO) to `Dense_2/bias`. There is no
//! canonical AlexNet in Flax, and a tree of parameters shows neither norms nor pools nor padding: which network it is can
//! only be told by its widths, or by its owner.

use super::{Candidates, Dialect, Origin};
use crate::Transform;
use crate::import::Place;

const NAME: &str = "flax";

/// A tree: names with dots.
pub(super) const TREE: Dialect = Dialect {
    name: NAME,
    about: "Flax's linen modules: Conv_0 to Dense_2 with kernel and bias, in a tree",
    origin: |parameter| origin(parameter, '.'),
    candidates,
};

/// A flattened tree, as `flatten_dict(params, sep="/")` makes it for .npz and safetensors.
pub(super) const PATHS: Dialect = Dialect {
    name: NAME,
    about: "Flax's linen modules, flattened: Conv_0/kernel to Dense_2/bias",
    origin: |parameter| origin(parameter, '/'),
    candidates,
};

const MODULES: [(&str, &str); 8] = [
    ("conv1", "Conv_0"),
    ("conv2", "Conv_1"),
    ("conv3", "Conv_2"),
    ("conv4", "Conv_3"),
    ("conv5", "Conv_4"),
    ("fc6", "Dense_0"),
    ("fc7", "Dense_1"),
    ("fc8", "Dense_2"),
];

fn origin(parameter: &str, separator: char) -> Option<Origin> {
    let (layer, role) = parameter.split_once('.')?;
    let (_, module) = MODULES.iter().find(|(name, _)| *name == layer)?;
    let (role, transform) = match role {
        "weight" => ("kernel", super::from_tensorflow(layer)),
        "bias" => ("bias", Transform::Identity),
        _ => return None,
    };
    Some(Origin { sources: vec![format!("{module}{separator}{role}")], transform })
}

fn candidates(_: &Place<'_>) -> Option<Candidates> {
    Some(Candidates {
        likely: Some("torchvision"),
        guessed: Some("no other network of the family has these widths, but padding and norms are in the code alone"),
        others: &[
            "bvlc",
            "caffenet",
            "theano-alexnet",
            "paper",
            "krizhevsky-2012",
            "single-column",
            "chainer",
            "darknet",
            "pytorchcv-alexnet",
        ],
    })
}

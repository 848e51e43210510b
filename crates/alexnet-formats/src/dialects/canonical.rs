//! Our own names, `conv1.weight` to `fc8.bias`, which Caffe and many others use too. What we write says in its metadata which
//! network it is; without that, names say little: six networks of the family spell their parameters alike.

use super::{Candidates, Dialect, Origin};
use crate::Transform;

pub(super) const DIALECT: Dialect = Dialect {
    name: "canonical",
    about: "alexnet-convert's own names: conv1.weight to fc8.bias",
    origin: |parameter| Some(Origin { sources: vec![parameter.to_owned()], transform: Transform::Identity }),
    candidates: |place| {
        Some(match place.get("norm1.running_mean") {
            Some(_) => Candidates::only("single-column-bn"),
            None => Candidates {
                likely: Some("torchvision"),
                guessed: Some(
                    "no other network of the family has these widths, but a norm without parameters would not show",
                ),
                others: &["bvlc", "caffenet", "paper", "krizhevsky-2012", "single-column"],
            },
        })
    },
};

//! `torchvision.models.alexnet` and its fine-tunes: two `Sequential`s whose modules are numbered.

use super::{Candidates, Dialect, Origin};
use crate::Transform;
use alexnet_spec::naming;

pub(super) const DIALECT: Dialect = Dialect {
    name: "torchvision",
    about: "torchvision.models.alexnet and its fine-tunes: features.0 to classifier.6",
    origin,
    candidates: |_| Some(Candidates::only("torchvision")),
};

pub(super) fn origin(parameter: &str) -> Option<Origin> {
    Some(Origin { sources: vec![naming::torchvision(parameter)?], transform: Transform::Identity })
}

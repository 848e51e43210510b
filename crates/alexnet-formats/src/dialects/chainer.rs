//! Chainer's ImageNet example (`examples/imagenet/alex.py`): conv1 to fc8 with `W` and `b`, laid out as ours are. Of a trainer's
//! snapshot it is the part below `updater/model:main/predictor`.

use super::{Candidates, Dialect, Origin};
use crate::Transform;

pub(super) const DIALECT: Dialect = Dialect {
    name: "chainer",
    about: "Chainer's examples/imagenet Alex: conv1/W to fc8/b",
    origin: |parameter| {
        let (layer, role) = parameter.split_once('.')?;
        let role = match role {
            "weight" => "W",
            "bias" => "b",
            _ => return None,
        };
        Some(Origin { sources: vec![format!("{layer}/{role}")], transform: Transform::Identity })
    },
    candidates: |_| Some(Candidates::only("chainer")),
};

//! MXNet's `Module` checkpoints whose `-symbol.json` isn't there, by the names that conversions from Caffe have: its layers',
//! joined to `weight` and `bias` by an underscore.

use super::{Candidates, Dialect, Origin};
use crate::Transform;

pub(super) const DIALECT: Dialect = Dialect {
    name: "mxnet",
    about: "MXNet's Module without its symbol: conv1_weight to fc8_bias",
    origin: |parameter| {
        let (layer, role) = parameter.split_once('.')?;
        Some(Origin { sources: vec![format!("{layer}_{role}")], transform: Transform::Identity })
    },
    candidates: |_| Some(Candidates { likely: None, guessed: None, others: &["bvlc", "caffenet", "torchvision"] }),
};

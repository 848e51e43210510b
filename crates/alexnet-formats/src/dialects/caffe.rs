//! Caffe's files of weights without the net: BVLC's layers by name, their weight as number 0 and their bias as number 1. AlexNet
//! and CaffeNet, in all else alike, differ in the order of norm and pool, which such a file doesn't say.

use super::{Candidates, Dialect, Origin};
use crate::Transform;

pub(super) const DIALECT: Dialect = Dialect {
    name: "caffe",
    about: "BVLC's AlexNet and CaffeNet as Caffe counts their blobs: conv1.0 to fc8.1",
    origin,
    candidates: |place| {
        place.get("conv1.0")?;
        Some(Candidates { likely: None, guessed: None, others: &["bvlc", "caffenet"] })
    },
};

fn origin(parameter: &str) -> Option<Origin> {
    let (layer, role) = parameter.split_once('.')?;
    let index = ["weight", "bias"].iter().position(|known| *known == role)?;
    Some(Origin { sources: vec![format!("{layer}.{index}")], transform: Transform::Identity })
}

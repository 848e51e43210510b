//! Caffe2's workspaces, pickled by name: what fair_self_supervision_benchmark and VISSL start from, and Caffe's weights under
//! their names in the ONNX zoo. Names and shapes don't show the order of norm and pool.

use super::{Candidates, Dialect, Origin};
use crate::Transform;

pub(super) const DIALECT: Dialect = Dialect {
    name: "caffe2",
    about: "Caffe2's blobs by name: conv1_w, conv1_b to fc8_w (pred_w), fc8_b",
    origin: |parameter| {
        let (layer, role) = parameter.split_once('.')?;
        let role = match role {
            "weight" => "w",
            "bias" => "b",
            _ => return None,
        };
        Some(Origin { sources: vec![format!("{layer}_{role}")], transform: Transform::Identity })
    },
    candidates: |_| Some(Candidates { likely: None, guessed: None, others: &["bvlc", "caffenet"] }),
};

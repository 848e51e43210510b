//! PaddlePaddle's AlexNet, of `paddle.vision.models` and PaddleClas alike: torchvision's network, with two traps. `Linear`
//! holds `[in, out]`, and the dropouts before fc6 and fc7 are of the mode `downscale_in_infer`, which halves at test time what
//! goes into those two layers, and not what goes into fc8.

use super::{Candidates, Dialect, Origin};
use crate::Transform;

const MODULES: [(&str, &str); 8] = [
    ("conv1", "_conv1._conv"),
    ("conv2", "_conv2._conv"),
    ("conv3", "_conv3"),
    ("conv4", "_conv4"),
    ("conv5", "_conv5._conv"),
    ("fc6", "_fc6"),
    ("fc7", "_fc7"),
    ("fc8", "_fc8"),
];

pub(super) const DIALECT: Dialect = Dialect {
    name: "paddle",
    about: "PaddlePaddle's and PaddleClas's AlexNet: torchvision's network with matrices [in, out] and halved fc6 and fc7",
    origin,
    candidates: |_| Some(Candidates::only("torchvision")),
};

fn origin(parameter: &str) -> Option<Origin> {
    let origin = super::renamed(&MODULES, parameter)?;
    let transform = match parameter {
        "fc6.weight" | "fc7.weight" => Transform::Chain(vec![Transform::Transpose, Transform::Scale(0.5)]),
        "fc8.weight" => Transform::Transpose,
        _ => Transform::Identity,
    };
    Some(Origin { transform, ..origin })
}

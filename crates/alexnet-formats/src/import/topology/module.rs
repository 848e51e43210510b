//! What one module of PyTorch's says of itself: what kind of layer it is, and its constants.

use crate::{Attribute, Module};

/// What a module does, as far as its place among the others matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Sequential,
    Parametric,
    Relu,
    Norm,
    MaxPool,
    AveragePool,
    Softmax,
    /// Nothing at test time.
    Inert,
    Other,
}

pub(super) fn kind(module: &Module) -> Kind {
    match class(module) {
        "Sequential" => Kind::Sequential,
        "Conv2d" | "Linear" | "BatchNorm1d" | "BatchNorm2d" => Kind::Parametric,
        "ReLU" => Kind::Relu,
        "LocalResponseNorm" | "LRN" | "CrossMapLRN2d" | "SpatialCrossMapLRN" => Kind::Norm,
        "MaxPool2d" => Kind::MaxPool,
        "AdaptiveAvgPool2d" => Kind::AveragePool,
        "Softmax" | "LogSoftmax" => Kind::Softmax,
        "Dropout" | "Dropout1d" | "Dropout2d" | "Identity" | "Flatten" | "View" | "Reshape" | "DataParallel" => {
            Kind::Inert
        }
        _ => Kind::Other,
    }
}

/// `Conv2d` for `torch.nn.modules.conv.Conv2d`.
pub(super) fn class(module: &Module) -> &str {
    module.class.rsplit('.').next().unwrap_or(&module.class)
}

/// Whether the class is one of PyTorch's own, as in `torch.nn.modules.conv.Conv2d` and, in TorchScript,
/// `__torch__.torch.nn.modules.conv.___torch_mangle_3.Conv2d`.
pub(super) fn is_pytorchs(module: &Module) -> bool {
    module.class.strip_prefix("__torch__.").unwrap_or(&module.class).starts_with("torch.nn.modules.")
}

/// The module in messages, on one line whatever its names.
pub(super) fn shown(module: &Module) -> String {
    format!("module `{}` ({})", module.path.escape_debug(), class(module).escape_debug())
}

/// The attribute called `name`.
pub(super) fn attribute<'a>(module: &'a Module, name: &str) -> Option<&'a Attribute> {
    module.attributes.iter().find(|(key, _)| key == name).map(|(_, value)| value)
}

/// An integer or floating point attribute.
pub(super) fn number(module: &Module, name: &str) -> Option<f64> {
    match attribute(module, name)? {
        Attribute::Int(value) => Some(*value as f64),
        Attribute::Float(value) => Some(*value),
        _ => None,
    }
}

/// One number for both axes, or one each.
pub(super) fn pair(module: &Module, name: &str) -> Option<[usize; 2]> {
    let size = |value: &Attribute| match value {
        Attribute::Int(value) => usize::try_from(*value).ok(),
        _ => None,
    };
    match attribute(module, name)? {
        Attribute::List(values) => match values.as_slice() {
            [y, x] => Some([size(y)?, size(x)?]),
            [both] => size(both).map(|both| [both; 2]),
            _ => None,
        },
        value => size(value).map(|both| [both; 2]),
    }
}

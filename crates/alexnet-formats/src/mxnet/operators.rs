//! MXNet's operators with their defaults, from the parameter structures in `src/operator/nn/*-inl.h` and `lrn-inl.h`, as
//! layers of ours.

use super::attributes::Attributes;
use crate::shown::shown;
use crate::{Error, Result};
use alexnet_spec::graph::NodeOp;
use alexnet_spec::layers::{
    BatchNorm2d, Conv2d, Dropout, Flatten, Linear, LocalResponseNorm, MaxPool2d, Relu, Rounding, Softmax,
};

/// What an operator is here.
pub(super) struct Operator {
    pub(super) op: Means,
    /// Inputs after the first, in MXNet's order, by the role of the trained tensor that each is.
    pub(super) roles: &'static [&'static str],
}

/// What an operator computes from its first input.
pub(super) enum Means {
    /// A layer, or another step.
    Step(NodeOp),
    /// A matrix product, of which MXNet flattens the input unless it is told not to.
    Product(Linear),
    /// The channels of several inputs, one after the other.
    Concat,
    /// The channels in so many equal parts.
    Split(usize),
}

/// The operator called `kind` with these attributes.
pub(super) fn operator(kind: &str, attributes: Attributes<'_>) -> Result<Operator> {
    let step = |op: NodeOp| Ok(Operator { op: Means::Step(op), roles: &[] });
    match kind {
        "Convolution" | "Convolution_v1" => convolution(attributes),
        "FullyConnected" => product(attributes),
        "BatchNorm" | "BatchNorm_v1" => batch_norm(attributes),
        "Activation" => match attributes.text("act_type") {
            Some("relu") => step(Relu {}.into()),
            other => Err(unknown("an activation", other)),
        },
        "relu" => step(Relu {}.into()),
        "LRN" => step(norm(attributes)?.into()),
        "Pooling" | "Pooling_v1" => step(pool(attributes)?.into()),
        "Flatten" | "flatten" => step(Flatten {}.into()),
        "Dropout" => match attributes.text("mode") {
            None | Some("training") => step(Dropout { p: attributes.number("p", 0.5)? }.into()),
            other => Err(unknown("dropout in the mode", other)),
        },
        // What they compute besides is the gradient.
        "SoftmaxOutput" | "Softmax" | "SoftmaxActivation" | "softmax" => step(Softmax {}.into()),
        "identity" | "_copy" | "BlockGrad" | "stop_gradient" => step(NodeOp::Identity),
        "Concat" | "concat" => match attributes.count("dim", Some(1))? {
            1 => Ok(Operator { op: Means::Concat, roles: &[] }),
            axis => Err(Error::refused(format!("a concatenation along axis {axis}"))),
        },
        "SliceChannel" | "split" => {
            if attributes.count("axis", Some(1))? != 1 || attributes.flag("squeeze_axis", false)? {
                return Err(Error::refused("a split that isn't one of channels"));
            }
            Ok(Operator { op: Means::Split(attributes.count("num_outputs", None)?), roles: &[] })
        }
        other => Err(Error::refused(format!("the operator `{}` isn't one of an AlexNet", shown(other.as_bytes())))
            .with_remedy("exporting the network up to its logits, with operators of the family alone")),
    }
}

fn unknown(what: &str, seen: Option<&str>) -> Error {
    Error::refused(format!("{what} `{}` isn't converted", shown(seen.unwrap_or("None").as_bytes())))
}

fn check_layout(attributes: Attributes<'_>) -> Result<()> {
    match attributes.text("layout") {
        None | Some("NCHW") => Ok(()),
        other => Err(unknown("the layout", other)),
    }
}

/// Padding by MXNet's pair, the same at both ends.
fn around([height, width]: [usize; 2]) -> [usize; 4] {
    [height, width, height, width]
}

fn convolution(attributes: Attributes<'_>) -> Result<Operator> {
    check_layout(attributes)?;
    if attributes.pair("dilate", Some([1, 1]))? != [1, 1] {
        return Err(Error::refused("a dilated convolution isn't converted"));
    }
    let op = Conv2d {
        out: attributes.count("num_filter", None)?,
        kernel: attributes.pair("kernel", None)?,
        stride: attributes.pair("stride", Some([1, 1]))?,
        pads: around(attributes.pair("pad", Some([0, 0]))?),
        groups: attributes.count("num_group", Some(1))?,
    };
    Ok(Operator { op: Means::Step(op.into()), roles: weight_and_bias(attributes)? })
}

fn product(attributes: Attributes<'_>) -> Result<Operator> {
    if !attributes.flag("flatten", true)? {
        return Err(Error::refused("a product over the last axis alone (flatten=False) isn't converted"));
    }
    let op = Linear { out: attributes.count("num_hidden", None)? };
    Ok(Operator { op: Means::Product(op), roles: weight_and_bias(attributes)? })
}

fn weight_and_bias(attributes: Attributes<'_>) -> Result<&'static [&'static str]> {
    Ok(if attributes.flag("no_bias", false)? { &["weight"] } else { &["weight", "bias"] })
}

fn norm(attributes: Attributes<'_>) -> Result<LocalResponseNorm> {
    Ok(LocalResponseNorm {
        size: attributes.count("nsize", None)?,
        alpha: attributes.number("alpha", 1e-4)?,
        beta: attributes.number("beta", 0.75)?,
        k: attributes.number("knorm", 2.0)?,
        groups: 1,
    })
}

fn pool(attributes: Attributes<'_>) -> Result<MaxPool2d> {
    check_layout(attributes)?;
    match attributes.text("pool_type") {
        None | Some("max") => {}
        other => return Err(unknown("pooling of the type", other)),
    }
    if attributes.flag("global_pool", false)? {
        return Err(Error::refused("global pooling isn't converted"));
    }
    let rounding = match attributes.text("pooling_convention") {
        None | Some("valid") => Rounding::Floor,
        Some("full") => Rounding::Ceil,
        other => return Err(unknown("the pooling convention", other)),
    };
    let pad = attributes.pair("pad", Some([0, 0]))?;
    if rounding == Rounding::Ceil && pad != [0, 0] {
        return Err(Error::refused("padding with the pooling convention `full` isn't converted"));
    }
    Ok(MaxPool2d {
        kernel: attributes.pair("kernel", None)?,
        stride: attributes.pair("stride", Some([1, 1]))?,
        pads: around(pad),
        rounding,
    })
}

fn batch_norm(attributes: Attributes<'_>) -> Result<Operator> {
    if attributes.count("axis", Some(1))? != 1 {
        return Err(Error::refused("batch norm along another axis than the channels' isn't converted"));
    }
    // What is stored for a fixed gamma isn't used: it counts as 1.
    let fixed = attributes.flag("fix_gamma", true)?;
    let roles: &[_] = match fixed {
        true => &["", "bias", "running_mean", "running_var"],
        false => &["weight", "bias", "running_mean", "running_var"],
    };
    Ok(Operator { op: Means::Step(BatchNorm2d { eps: attributes.number("eps", 1e-3)? }.into()), roles })
}

//! What each class of `nn` and `cudnn` computes in evaluation, as its `updateOutput` has it.

use super::module::Module;
use crate::Result;
use alexnet_spec::graph::{NodeOp, Operand};
use alexnet_spec::layers::{
    BatchNorm2d, Conv2d, Dropout, Flatten, Linear, LocalResponseNorm, MaxPool2d, Pads, Relu, Rounding, Softmax,
};
use alexnet_spec::{Tensor, Transform};

/// A layer, or nothing where the module passes on what it gets.
pub(super) fn layer(module: Module<'_>) -> Result<Option<(NodeOp, Vec<Operand>)>> {
    let plain = |op: NodeOp| Ok(Some((op, Vec::new())));
    match module.kind() {
        "SpatialConvolution" | "SpatialConvolutionMM" => convolution(module).map(Some),
        "Linear" => linear(module).map(Some),
        "SpatialBatchNormalization" | "BatchNormalization" => normalisation(module).map(Some),
        "SpatialMaxPooling" => plain(pool(module)?.into()),
        "SpatialCrossMapLRN" => plain(norm(module)?.into()),
        "ReLU" => plain(Relu {}.into()),
        "Threshold" if module.number("threshold", None)? == 0.0 && module.number("val", None)? == 0.0 => {
            plain(Relu {}.into())
        }
        "Dropout" => {
            let p = module.number("p", Some(0.5))?;
            // The first version doesn't make up in training for what it drops: it scales down here.
            match module.flag("v2") {
                true => plain(Dropout { p }.into()),
                false => plain(NodeOp::Scale(1.0 - p)),
            }
        }
        "SpatialDropout" => plain(NodeOp::Scale(1.0 - module.number("p", Some(0.5))?)),
        "View" | "Reshape" => flattening(module),
        "SoftMax" | "LogSoftMax" | "SpatialSoftMax" | "SpatialLogSoftMax" => plain(Softmax {}.into()),
        "Identity" | "Copy" | "Contiguous" => Ok(None),
        _ => Err(module.refused("is no module of the AlexNets that are converted")),
    }
}

fn operand(module: Module<'_>, role: &'static str, field: &str, tensor: Tensor, transform: Transform) -> Operand {
    Operand::new(role, format!("{}.{field}", module.path), tensor, transform)
}

fn required(module: Module<'_>, field: &str) -> Result<Tensor> {
    module.tensor(field)?.ok_or_else(|| module.refused(format!("has no {field}")))
}

fn convolution(module: Module<'_>) -> Result<(NodeOp, Vec<Operand>)> {
    let weight = required(module, "weight")?;
    let (inputs, out) = (module.size("nInputPlane", None)?, module.size("nOutputPlane", None)?);
    let kernel = [module.size("kH", None)?, module.size("kW", None)?];
    let groups = module.size("groups", Some(1))?;
    let conv = Conv2d { out, kernel, stride: stride(module)?, pads: pads(module)?, groups };
    // `SpatialConvolutionMM` keeps a matrix, and older versions of cudnn's had a fifth axis for the groups.
    let shape = vec![out, inputs.checked_div(groups).unwrap_or_default(), kernel[0], kernel[1]];
    let transform = if weight.shape() == shape { Transform::Identity } else { Transform::Reshape(shape) };
    let mut operands = vec![operand(module, "weight", "weight", weight, transform)];
    operands.extend(bias(module)?);
    Ok((conv.into(), operands))
}

fn linear(module: Module<'_>) -> Result<(NodeOp, Vec<Operand>)> {
    let weight = required(module, "weight")?;
    let out = weight.shape().first().copied().unwrap_or_default();
    let mut operands = vec![operand(module, "weight", "weight", weight, Transform::Identity)];
    operands.extend(bias(module)?);
    Ok((Linear { out }.into(), operands))
}

fn bias(module: Module<'_>) -> Result<Option<Operand>> {
    Ok(module.tensor("bias")?.map(|bias| operand(module, "bias", "bias", bias, Transform::Identity)))
}

fn normalisation(module: Module<'_>) -> Result<(NodeOp, Vec<Operand>)> {
    if module.field("running_var").is_none() && module.field("running_std").is_some() {
        return Err(module
            .refused("keeps standard deviations, as nn did until 2015")
            .with_remedy("loading and saving it with a newer Torch7"));
    }
    let mut operands = Vec::new();
    for (role, field) in [("running_mean", "running_mean"), ("running_var", "running_var")] {
        operands.push(operand(module, role, field, required(module, field)?, Transform::Identity));
    }
    if let Some(weight) = module.tensor("weight")? {
        operands.push(operand(module, "weight", "weight", weight, Transform::Identity));
    }
    operands.extend(bias(module)?);
    Ok((BatchNorm2d { eps: module.number("eps", Some(1e-5))? }.into(), operands))
}

fn pool(module: Module<'_>) -> Result<MaxPool2d> {
    let kernel = [module.size("kH", None)?, module.size("kW", None)?];
    let rounding = if module.flag("ceil_mode") { Rounding::Ceil } else { Rounding::Floor };
    Ok(MaxPool2d { kernel, stride: stride(module)?, pads: pads(module)?, rounding })
}

fn stride(module: Module<'_>) -> Result<[usize; 2]> {
    Ok([module.size("dH", None)?, module.size("dW", None)?])
}

/// `padding` is what versions until 2014 called both.
fn pads(module: Module<'_>) -> Result<Pads> {
    let both = module.size("padding", Some(0))?;
    let (height, width) = (module.size("padH", Some(both))?, module.size("padW", Some(both))?);
    Ok([height, width, height, width])
}

/// Its alpha is divided by the size, as ours.
fn norm(module: Module<'_>) -> Result<LocalResponseNorm> {
    let size = module.size("size", None)?;
    if size.is_multiple_of(2) {
        return Err(
            module.refused(format!("a window of {size} channels has no middle, and Torch's two versions differ"))
        );
    }
    // cudnn's called it K once.
    let k = module.number("K", Some(1.0))?;
    Ok(LocalResponseNorm {
        size,
        alpha: module.number("alpha", Some(1e-4))?,
        beta: module.number("beta", Some(0.75))?,
        k: module.number("k", Some(k))?,
        groups: 1,
    })
}

/// A `View` or `Reshape` to one row for each example.
fn flattening(module: Module<'_>) -> Result<Option<(NodeOp, Vec<Operand>)>> {
    match module.longs("size").as_deref() {
        Some([_] | [-1, _]) => Ok(Some((Flatten {}.into(), Vec::new()))),
        Some(sizes) => Err(module.refused(format!("gives a map the shape {sizes:?}; only flattening is converted"))),
        None => Err(module.refused("has no sizes")),
    }
}

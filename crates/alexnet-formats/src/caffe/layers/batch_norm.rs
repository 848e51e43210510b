use super::refused;
use crate::caffe::fields::Fields;
use crate::caffe::graph::Builder;
use crate::caffe::net::Layer;
use crate::{Error, Result};
use alexnet_spec::graph::NodeOp;
use alexnet_spec::layers::BatchNorm2d;
use alexnet_spec::{Op, Transform};

/// `BatchNorm`: mean and variance are sums of decaying weights, and the third blob is what they are to be divided by. The
/// learned factor and offset are a layer of their own, [`scale`].
pub(super) fn transcribe<'n>(builder: &mut Builder<'n>, layer: &'n Layer) -> Result<()> {
    let param = layer.params.message("batch_norm_param");
    if param.bool("use_global_stats") == Some(false) {
        return Err(refused("use_global_stats", "false: statistics of the batch at hand"));
    }
    let input = builder.only(layer)?;
    let sum = builder.operand(layer, 2, "factor", &[1])?;
    let weight = sum.tensors.first().and_then(|tensor| tensor.to_f32().ok()?.first().copied()).unwrap_or(0.0);
    if !(weight.is_finite() && weight > 0.0) {
        return Err(Error::refused(format!("its statistics are of weight {weight}: none were gathered"))
            .with_remedy("a snapshot from after training"));
    }
    let channels = [channels(builder, layer)?];
    let mut operands = Vec::new();
    for (index, role) in ["running_mean", "running_var"].into_iter().enumerate() {
        let mut operand = builder.operand(layer, index, role, &channels)?;
        if weight != 1.0 {
            operand.transform = Transform::Scale(f64::from(weight).recip());
        }
        operands.push(operand);
    }
    builder.layer(layer, &input, BatchNorm2d { eps: param.float("eps").unwrap_or(1e-5) }, operands)
}

/// `Scale` right after a `BatchNorm`: its factor and offset.
pub(super) fn scale<'n>(builder: &mut Builder<'n>, layer: &'n Layer) -> Result<()> {
    let param = layer.params.message("scale_param");
    check_axes(param)?;
    let input = builder.only(layer)?;
    let channels = [channels(builder, layer)?];
    let mut operands = vec![builder.operand(layer, 0, "weight", &channels)?];
    if param.bool("bias_term").unwrap_or(false) {
        operands.push(builder.operand(layer, 1, "bias", &channels)?);
    }
    let norm = builder.unread(&input).filter(|node| {
        matches!(node.op, NodeOp::Layer(Op::BatchNorm2d(_))) && node.operands.iter().all(|own| own.role != "weight")
    });
    let Some(norm) = norm else {
        return Err(Error::refused("layers of type `Scale` are converted right after a `BatchNorm` alone"));
    };
    norm.operands.extend(operands);
    // The norm without its factor isn't there any more.
    for bottom in &layer.bottoms {
        builder.forget(bottom);
    }
    match layer.tops.first() {
        Some(top) => builder.alias(top, input),
        None => return Err(Error::malformed("it makes nothing")),
    }
    Ok(())
}

fn check_axes(param: &Fields) -> Result<()> {
    for name in ["axis", "num_axes"] {
        if let Some(value) = param.int(name).filter(|value| *value != 1) {
            return Err(refused(name, value));
        }
    }
    Ok(())
}

/// As many as the first blob has numbers.
fn channels(builder: &Builder<'_>, layer: &Layer) -> Result<usize> {
    Ok(builder.blob(layer, 0)?.1.elements())
}

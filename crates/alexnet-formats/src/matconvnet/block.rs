//! What single layers compute, the same for both kinds of network.

use super::options::{Options, whole};
use crate::mat::Value;
use crate::{Error, Result};
use alexnet_spec::graph::{NodeOp, Operand};
use alexnet_spec::layers::{BatchNorm2d, Conv2d, Dropout, LocalResponseNorm, MaxPool2d, Relu, Rounding};
use alexnet_spec::{Tensor, Transform};

/// A layer: what it computes of an input of some channels, and with what.
pub(super) struct Block {
    pub op: NodeOp,
    pub operands: Vec<Operand>,
    /// The channels of its output; `None` while those of its input aren't known.
    pub channels: Option<usize>,
}

impl Block {
    fn without_weights(op: impl Into<NodeOp>, channels: Option<usize>) -> Block {
        Block { op: op.into(), operands: Vec::new(), channels }
    }
}

/// A trained array and its name in the file.
pub(super) type Weight<'a> = (String, &'a Value);

/// `vl_nnconv`: a correlation. The number of groups is how many times the kernels' channels go into the input's.
pub(super) fn convolution(options: Options, weights: &[Weight], channels: Option<usize>) -> Result<Block> {
    let Some(((name, filters), rest)) = weights.split_first() else {
        return Err(Error::refused("a convolution without weights"));
    };
    let filters = tensor(name, filters)?;
    let [height, width, depth, out] = four(&filters)
        .filter(|sizes| sizes.iter().all(|size| *size > 0))
        .ok_or_else(|| Error::refused(format!("`{name}` is {:?}, no kernels", filters.shape())))?;
    let groups = match channels.unwrap_or(depth) {
        channels if channels.is_multiple_of(depth) && channels > 0 => channels.checked_div(depth).unwrap_or(1),
        channels => {
            return Err(Error::refused(format!("kernels of {depth} channels for an input of {channels}")));
        }
    };
    if options.pair("dilate", Some(1))? != [1, 1] {
        return Err(Error::refused("a dilated convolution, which no AlexNet has"));
    }
    let conv = Conv2d {
        out,
        kernel: [height, width],
        stride: options.pair("stride", Some(1))?,
        pads: options.pads()?,
        groups,
    };
    let kernels = filters.reshape(&[height, width, depth, out])?;
    let mut operands = vec![Operand::new("weight", name, kernels, Transform::Permute(vec![3, 2, 0, 1]))];
    if let Some((name, bias)) = rest.first().filter(|(_, bias)| !bias.is_empty()) {
        operands.push(Operand::new("bias", name, vector(name, bias, out)?, Transform::Identity));
    }
    Ok(Block { op: conv.into(), operands, channels: Some(out) })
}

/// `vl_nnpool` with the method `max`. Its sizes are rounded down, and its padding never wins.
pub(super) fn pooling(options: Options, size: &str, channels: Option<usize>) -> Result<Block> {
    match options.text("method")?.unwrap_or("max") {
        "max" => {}
        other => {
            let other = other.escape_debug();
            return Err(Error::refused(format!("a pool by `{other}`, where networks of this family have `max`")));
        }
    }
    let pool = MaxPool2d {
        kernel: options.pair(size, None)?,
        stride: options.pair("stride", Some(1))?,
        pads: options.pads()?,
        rounding: Rounding::Floor,
    };
    Ok(Block::without_weights(pool, channels))
}

/// `vl_nnnormalize` with the parameters `[N kappa alpha beta]`. Alpha multiplies the plain sum of squares.
pub(super) fn normalisation(options: Options, channels: Option<usize>) -> Result<Block> {
    let param = options.numbers("param")?.unwrap_or_else(|| vec![5.0, 1.0, 0.0001 / 5.0, 0.75]);
    let (size, kappa, alpha, beta) = match &param[..] {
        [size, kappa, alpha, beta] => (whole(*size).filter(|size| *size > 0), *kappa, *alpha, *beta),
        others => return Err(Error::refused(format!("`param` has {} numbers, not 4", others.len()))),
    };
    let size = size.ok_or_else(|| Error::refused("`param` begins with a window that is no size"))?;
    Ok(Block::without_weights(LocalResponseNorm::undivided(size, alpha, beta, kappa), channels))
}

/// `vl_nnrelu` without a leak.
pub(super) fn relu(options: Options, channels: Option<usize>) -> Result<Block> {
    match options.number("leak", 0.0)? {
        0.0 => Ok(Block::without_weights(Relu {}, channels)),
        leak => Err(Error::refused(format!("a ReLU that leaks {leak}, which no AlexNet has"))),
    }
}

/// `vl_nndropout`, which scales in training.
pub(super) fn dropout(options: Options, channels: Option<usize>) -> Result<Block> {
    Ok(Block::without_weights(Dropout { p: options.number("rate", 0.5)? }, channels))
}

/// `vl_nnbnorm` with moments: mean and standard deviation of each channel, epsilon already in it.
pub(super) fn batch_norm(options: Options, weights: &[Weight], channels: Option<usize>) -> Result<Block> {
    let [(gain, gains), (offset, offsets), (moment, moments), ..] = weights else {
        return Err(Error::refused("a batch normalisation without the moments that it learns in training")
            .with_remedy("a snapshot of the training that has them"));
    };
    let moments = tensor(moment, moments)?;
    let count = match moments.shape() {
        [count, 2] => *count,
        other => return Err(Error::refused(format!("`{moment}` is {other:?}, not two columns"))),
    };
    if let Some(channels) = channels.filter(|channels| *channels != count) {
        return Err(Error::refused(format!("moments of {count} channels for an input of {channels}")));
    }
    let sigma = Value::Numbers(moments.narrow(1, 1, 1)?).numbers(usize::MAX).unwrap_or_default();
    if !sigma.iter().all(|sigma| sigma.is_finite() && *sigma > 0.0) {
        return Err(Error::refused(format!("`{moment}` has a standard deviation that isn't above zero")));
    }
    // Ours keeps the variance, and adds epsilon to it: what was added is taken off again.
    let variance = |epsilon: f64| sigma.iter().map(|sigma| sigma * sigma - epsilon).collect::<Vec<f64>>();
    let given = options.number("epsilon", 1e-5)?;
    let (eps, variances) = match (given, variance(given)) {
        (eps, variances) if eps > 0.0 && variances.iter().all(|variance| *variance > 0.0) => (eps, variances),
        _ => {
            let least = sigma.iter().fold(f64::INFINITY, |least, sigma| least.min(sigma * sigma));
            (least / 2.0, variance(least / 2.0))
        }
    };
    let variances = Tensor::new(
        alexnet_spec::DType::F64,
        vec![count],
        variances.iter().flat_map(|variance| variance.to_le_bytes()).collect::<Vec<u8>>().into(),
    )?;
    let means = moments.narrow(1, 0, 1)?.reshape(&[count])?;
    let operands = vec![
        Operand::new("weight", gain, vector(gain, gains, count)?, Transform::Identity),
        Operand::new("bias", offset, vector(offset, offsets, count)?, Transform::Identity),
        Operand::new("running_mean", moment, means, Transform::Identity),
        Operand::new("running_var", moment, variances, Transform::Identity),
    ];
    Ok(Block { op: BatchNorm2d { eps }.into(), operands, channels: Some(count) })
}

/// A trained array; what it is instead, where it isn't one.
pub(super) fn tensor(name: &str, value: &Value) -> Result<Tensor> {
    match value {
        Value::Numbers(tensor) if tensor.dtype().is_float() => Ok(tensor.clone()),
        Value::Other(what) if what.contains("`gpuArray`") => Err(Error::refused(format!("`{name}` is {what}"))
            .with_remedy("saving the network after net = vl_simplenn_move(net, 'cpu'), or net.move('cpu')")),
        other => Err(Error::refused(format!("`{name}` is {}, no trained numbers", other.describe()))),
    }
}

/// One number for each channel: MATLAB's vectors are matrices of one row or one column.
fn vector(name: &str, value: &Value, count: usize) -> Result<Tensor> {
    let tensor = tensor(name, value)?;
    match tensor.elements() == count && tensor.shape().iter().filter(|size| **size != 1).count() <= 1 {
        true => Ok(tensor.reshape(&[count])?),
        false => Err(Error::refused(format!("`{name}` is {:?}, but there are {count} channels", tensor.shape()))),
    }
}

/// The four sizes of kernels: MATLAB drops trailing ones.
fn four(filters: &Tensor) -> Option<[usize; 4]> {
    let mut sizes = [1; 4];
    let (filled, rest) = sizes.split_at_mut_checked(filters.shape().len())?;
    filled.copy_from_slice(filters.shape());
    rest.fill(1);
    Some(sizes)
}

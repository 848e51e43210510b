//! Whether a network that a file describes is one that has a name.

use crate::import::fit::scaled;
use alexnet_spec::layers::{LocalResponseNorm, MaxPool2d};
use alexnet_spec::{Network, Op, Shape, networks};

/// A layer that computes something, with the position that it has in its network.
struct Essential<'a> {
    index: usize,
    op: &'a Op,
    input: Shape,
    output: Shape,
}

/// The network of the registry that computes what `network` does, with the number of its layer for each layer of `network`.
pub(super) fn known(network: &Network) -> Option<(Network, Vec<Option<usize>>)> {
    networks::ALL.iter().map(|entry| (entry.network)()).find_map(|known| {
        let pairs = widths_scale(&known, network).then(|| difference(network, &known).ok()).flatten();
        pairs.map(|pairs| (known, pairs))
    })
}

/// For each layer of `network` the number of the layer of `other` that computes the same, if both are one network, whatever
/// their widths.
///
/// Errs with the first difference.
pub(super) fn difference(network: &Network, other: &Network) -> Result<Vec<Option<usize>>, String> {
    if network.input != other.input {
        let (a, b) = (&network.input, &other.input);
        return Err(format!(
            "its input is {}x{}x{}, that of `{}` {}x{}x{}",
            a.channels, a.height, a.width, other.name, b.channels, b.height, b.width
        ));
    }
    let other = other.clone().with_widths(&network.widths()).unwrap_or_else(|_| other.clone());
    let (own, theirs) = (essence(network), essence(&other));
    let mut pairs = vec![None; network.layers.len()];
    for (a, b) in own.iter().zip(&theirs) {
        let name = |network: &Network, index: usize| network.layers.get(index).map(|layer| layer.name.clone());
        if !alike(a, b) {
            return Err(format!(
                "its {} is {}, but {} of `{}` is {}",
                name(network, a.index).unwrap_or_default(),
                described(a.op),
                name(&other, b.index).unwrap_or_default(),
                other.name,
                described(b.op)
            ));
        }
        if let Some(pair) = pairs.get_mut(a.index) {
            *pair = Some(b.index);
        }
    }
    match own.len() == theirs.len() {
        true => Ok(pairs),
        false => Err(format!("it has {} layers, `{}` {}", own.len(), other.name, theirs.len())),
    }
}

/// A layer as a network's JSON has it.
fn described(op: &Op) -> String {
    serde_json::to_string(op).unwrap_or_else(|_| format!("{op:?}"))
}

/// Whether the convolutions have the published widths, or all of them times one factor.
fn widths_scale(known: &Network, network: &Network) -> bool {
    let convolutions = |network: &Network| -> Vec<usize> {
        let layers = network.layers.iter().filter(|layer| matches!(layer.op, Op::Conv2d(_)));
        layers.filter_map(|layer| layer.op.out()).collect()
    };
    scaled(&convolutions(known), &convolutions(network))
}

/// The layers that change something at test time. Where a ReLU and a maximum follow each other, their order is no matter:
/// the ReLU stands first here.
fn essence(network: &Network) -> Vec<Essential<'_>> {
    let steps = network.trace().unwrap_or_default();
    let mut layers: Vec<Essential<'_>> = steps
        .iter()
        .enumerate()
        .map(|(index, step)| Essential { index, op: &step.layer.op, input: step.input, output: step.output })
        .filter(|layer| match layer.op {
            Op::Dropout(_) | Op::Softmax(_) => false,
            Op::AdaptiveAvgPool2d(_) => layer.input != layer.output,
            _ => true,
        })
        .collect();
    for index in 1..layers.len() {
        if let Some([pool, relu]) = layers.get_mut(index.saturating_sub(1)..=index)
            && matches!((pool.op, relu.op), (Op::MaxPool2d(_), Op::Relu(_)))
        {
            std::mem::swap(pool, relu);
        }
    }
    layers
}

fn alike(a: &Essential<'_>, b: &Essential<'_>) -> bool {
    match (a.op, b.op) {
        // Padding at the end never wins: it, and the rounding, say how many windows there are and nothing else.
        (Op::MaxPool2d(own), Op::MaxPool2d(theirs)) => {
            let start = |pool: &MaxPool2d| [pool.pads[0], pool.pads[1]];
            own.kernel == theirs.kernel
                && own.stride == theirs.stride
                && start(own) == start(theirs)
                && a.output == b.output
        }
        (Op::LocalResponseNorm(own), Op::LocalResponseNorm(theirs)) => same_norm(own, theirs),
        (Op::SpatialResponseNorm(own), Op::SpatialResponseNorm(theirs)) => {
            own.size == theirs.size
                && [(own.alpha, theirs.alpha), (own.beta, theirs.beta), (own.k, theirs.k)].iter().all(close)
        }
        (Op::BatchNorm2d(own), Op::BatchNorm2d(theirs)) => close(&(own.eps, theirs.eps)),
        (own, theirs) => own == theirs,
    }
}

fn same_norm(own: &LocalResponseNorm, theirs: &LocalResponseNorm) -> bool {
    own.size == theirs.size
        && own.groups == theirs.groups
        && [(own.alpha, theirs.alpha), (own.beta, theirs.beta), (own.k, theirs.k)].iter().all(close)
}

/// Constants that a file keeps in single precision are the same constants.
fn close((a, b): &(f64, f64)) -> bool {
    (a - b).abs() <= 1e-6 * b.abs()
}

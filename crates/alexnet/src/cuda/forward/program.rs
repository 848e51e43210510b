//! A network as the few steps that a forward pass takes on a GPU: convolutions, each with what follows it up to the next
//! one, then the fully connected layers. Pure arithmetic on shapes, tested without a GPU.

use crate::Network;
use crate::cuda::params::{Following, NormOrder, Relu};
use alexnet_spec::{Op, Shape, Step as Traced, layers as spec};

/// One step.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Step {
    Convolution(Box<Convolution>),
    Linear(Linear),
}

/// A convolution and what follows it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Convolution {
    /// Its place among the network's layers.
    pub(crate) layer: usize,
    pub(crate) spec: spec::Conv2d,
    /// Channels, height and width of one example.
    pub(crate) input: [usize; 3],
    /// Of what the convolution itself makes.
    pub(crate) output: [usize; 3],
    pub(crate) following: Following,
    /// Height and width after `following`.
    pub(crate) pooled: [usize; 2],
}

/// A fully connected layer, with its ReLU.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Linear {
    /// Its place among the network's layers.
    pub(crate) layer: usize,
    pub(crate) inputs: usize,
    pub(crate) outputs: usize,
    pub(crate) relu: bool,
}

/// The steps from the input to the logits, or why there are none: which layer of the network has no place in them.
pub(crate) fn steps(network: &Network) -> Result<Vec<Step>, String> {
    let trace = network.trace().map_err(|error| error.to_string())?;
    let mut layers = trace.iter().enumerate().filter(|(_, traced)| !is_identity(traced)).peekable();
    let mut steps = Vec::new();
    while let Some((layer, traced)) = layers.next() {
        let refuse = |why: &str| Err(format!("layer `{}` ({}) {why}", traced.layer.name, traced.layer.op.kind()));
        match (&traced.layer.op, traced.input, traced.output) {
            (Op::Conv2d(spec), input @ Shape::Map { .. }, output @ Shape::Map { .. }) => {
                let [top, left, bottom, right] = spec.pads;
                if !steps.is_empty() && (top != bottom || left != right) {
                    return refuse("is padded unevenly, and isn't the first");
                }
                let (input, output) = (map(input)?, map(output)?);
                let mut following = Following::default();
                let mut pooled = [output[1], output[2]];
                while let Some((_, next)) = layers.next_if(|(_, next)| follow(&mut following, &next.layer.op)) {
                    let [_, height, width] = map(next.output)?;
                    pooled = [height, width];
                }
                let spec = spec.clone();
                let convolution = Convolution { layer, spec, input, output, following, pooled };
                steps.push(Step::Convolution(Box::new(convolution)));
            }
            (Op::Linear(spec), Shape::Vector(inputs), _) if !steps.is_empty() => {
                let relu = layers.next_if(|(_, next)| matches!(next.layer.op, Op::Relu(_))).is_some();
                steps.push(Step::Linear(Linear { layer, inputs, outputs: spec.out, relu }));
            }
            (Op::Softmax(_), ..) => break,
            _ => return refuse("doesn't follow a convolution as the fused kernels take it"),
        }
    }
    if steps.is_empty() { Err("there is nothing to compute".to_owned()) } else { Ok(steps) }
}

/// Layers that change nothing in evaluation but the shape.
fn is_identity(traced: &Traced<'_>) -> bool {
    match traced.layer.op {
        Op::Dropout(_) | Op::Flatten(_) => true,
        Op::AdaptiveAvgPool2d(_) => traced.input == traced.output,
        _ => false,
    }
}

/// Whether `op` can come after `following`, which then has it.
fn follow(following: &mut Following, op: &Op) -> bool {
    let Following { relu, norm, pool } = following;
    let open = *relu != Relu::Last;
    match op {
        Op::Relu(_) if *relu == Relu::None => {
            *relu = if norm.is_none() && pool.is_none() { Relu::First } else { Relu::Last };
        }
        Op::LocalResponseNorm(spec) if open && norm.is_none() => {
            let order = if pool.is_none() { NormOrder::BeforePool } else { NormOrder::AfterPool };
            *norm = Some((spec.clone(), order));
        }
        Op::MaxPool2d(spec) if open && pool.is_none() => *pool = Some(spec.clone()),
        _ => return false,
    }
    true
}

fn map(shape: Shape) -> Result<[usize; 3], String> {
    match shape {
        Shape::Map { channels, height, width } => Ok([channels, height, width]),
        Shape::Vector(features) => Err(format!("a vector of {features} where a map belongs")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alexnet_spec::networks;

    fn names(network: &Network, steps: &[Step]) -> Vec<String> {
        let name = |layer: usize| network.layers[layer].name.clone();
        let describe = |step: &Step| match step {
            Step::Linear(linear) => format!("{}{}", name(linear.layer), if linear.relu { " relu" } else { "" }),
            Step::Convolution(convolution) => {
                let mut text = name(convolution.layer);
                let Following { relu, norm, pool } = &convolution.following;
                let after = matches!(norm, Some((_, NormOrder::AfterPool)));
                for (present, what) in [
                    (*relu == Relu::First, " relu"),
                    (norm.is_some() && !after, " norm"),
                    (pool.is_some(), " pool"),
                    (after, " norm"),
                    (*relu == Relu::Last, " relu"),
                ] {
                    text += if present { what } else { "" };
                }
                text
            }
        };
        steps.iter().map(describe).collect()
    }

    #[test]
    fn the_order_of_what_follows_a_convolution_is_kept() {
        for (name, expected) in [
            ("torchvision", ["conv1 relu pool", "conv2 relu pool", "conv3 relu", "conv5 relu pool"]),
            ("paper", ["conv1 relu norm pool", "conv2 relu norm pool", "conv3 relu", "conv5 relu pool"]),
            ("caffenet", ["conv1 relu pool norm", "conv2 relu pool norm", "conv3 relu", "conv5 relu pool"]),
            ("cuda-convnet2", ["conv1 norm pool relu", "conv2 relu norm pool", "conv3 relu", "conv5 pool relu"]),
        ] {
            let network = networks::get(name).unwrap();
            let steps = names(&network, &steps(&network).unwrap());
            assert_eq!([&steps[0], &steps[1], &steps[2], &steps[4]], expected, "{name}");
            assert_eq!(steps[5..], ["fc6 relu", "fc7 relu", "fc8"], "{name}");
        }
    }

    #[test]
    fn each_step_takes_what_the_last_one_makes() {
        for &networks::Entry { name, network } in networks::ALL {
            let Ok(steps) = steps(&network()) else { continue };
            let mut elements = None;
            for step in &steps {
                let (input, output) = match step {
                    Step::Convolution(c) => (c.input.iter().product(), c.output[0] * c.pooled[0] * c.pooled[1]),
                    Step::Linear(linear) => (linear.inputs, linear.outputs),
                };
                assert_eq!(elements.unwrap_or(input), input, "{name}: {step:?}");
                elements = Some(output);
            }
            assert_eq!(elements, network().class_count(), "{name}");
        }
    }

    #[test]
    fn networks_with_other_layers_are_left_to_their_layers() {
        let refused: Vec<_> = networks::ALL
            .iter()
            .filter_map(|entry| steps(&(entry.network)()).err().map(|why| format!("{}: {why}", entry.name)))
            .collect();
        let because = "doesn't follow a convolution as the fused kernels take it";
        assert_eq!(
            refused,
            [
                format!("krizhevsky-2012: layer `cnorm2` (SpatialResponseNorm) {because}"),
                format!("single-column-bn: layer `norm1` (BatchNorm2d) {because}"),
                format!("deepcluster: layer `norm1` (BatchNorm2d) {because}"),
            ]
        );
    }

    #[test]
    fn average_pooling_that_changes_something_is_refused() {
        let mut network = networks::get("torchvision").unwrap();
        (network.input.height, network.input.width) = (192, 160);
        let why = steps(&network).unwrap_err();
        assert!(why.contains("`avgpool`"), "{why}");
    }
}

//! Whether tensors are the parameters of a network, and with which widths.

use alexnet_spec::{Network, Op, Tensor};
use std::collections::BTreeMap;

/// Which numbers of outputs may differ from the network's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Widths {
    /// None: the file's own description of its network.
    Fixed,
    /// Classes, fully connected layers, and all convolutions by one factor: what a name alone stands for.
    Published,
    /// All: the user has said which network it is.
    Any,
}

/// A network whose parameters have the tensors' shapes.
#[derive(Debug)]
pub(super) struct Fitted {
    pub(super) network: Network,
    /// Where it differs from the network that was asked for.
    pub(super) notes: Vec<String>,
}

/// The network with its widths taken from `tensors`, which are keyed by canonical names; `spelled` gives a parameter's name
/// in the file.
///
/// Errs with the first tensor that doesn't fit, its shape and the one needed.
pub(super) fn fit(
    network: &Network,
    tensors: &BTreeMap<String, Tensor>,
    widths: Widths,
    spelled: impl Fn(&str) -> String,
) -> Result<Fitted, String> {
    let (own, mut notes) = (network.widths(), Vec::new());
    let fitted = match widths {
        Widths::Fixed => network.clone(),
        Widths::Published | Widths::Any => {
            let seen = seen_widths(network, tensors, &spelled)?;
            let found = network.clone().with_widths(&seen).map_err(|error| error.to_string())?;
            note_widths(network, &own, &seen, &mut notes);
            found
        }
    };
    check_shapes(&fitted, tensors, &spelled)?;
    if widths == Widths::Published {
        let convolutions = network.layers.iter().filter(|layer| matches!(layer.op, Op::Conv2d(_))).count();
        let (seen, own) = (fitted.widths(), own);
        if !scaled(own.get(..convolutions).unwrap_or(&own), seen.get(..convolutions).unwrap_or(&seen)) {
            return Err(format!(
                "its convolutions have {} outputs, those of network `{}` {}",
                dashed(seen.iter().take(convolutions)),
                network.name,
                dashed(own.iter().take(convolutions))
            ));
        }
    }
    Ok(Fitted { network: fitted, notes })
}

/// The first dimension of every kernel and matrix.
fn seen_widths(
    network: &Network,
    tensors: &BTreeMap<String, Tensor>,
    spelled: impl Fn(&str) -> String,
) -> Result<Vec<usize>, String> {
    let layers = network.layers.iter().filter(|layer| layer.op.out().is_some());
    let width = |layer: &alexnet_spec::Layer| {
        let name = format!("{}.weight", layer.name);
        let (axes, what) = match layer.op {
            Op::Conv2d(_) => (4, "a kernel of 4 axes"),
            _ => (2, "a matrix"),
        };
        let shape = tensors.get(&name).ok_or_else(|| format!("`{}` is missing", spelled(&name)))?.shape();
        match shape.first() {
            Some(&width) if shape.len() == axes && width > 0 => Ok(width),
            _ => Err(format!("`{}` has shape {shape:?}, but `{name}` is {what}", spelled(&name))),
        }
    };
    layers.map(width).collect()
}

fn check_shapes(
    network: &Network,
    tensors: &BTreeMap<String, Tensor>,
    spelled: impl Fn(&str) -> String,
) -> Result<(), String> {
    for step in network.trace().map_err(|error| error.to_string())? {
        for parameter in step.parameters {
            let name = spelled(&parameter.name);
            let tensor = tensors.get(&parameter.name).ok_or_else(|| format!("`{name}` is missing"))?;
            if tensor.shape() != parameter.shape {
                let why = match (&step.layer.op, &parameter.shape[..], tensor.shape()) {
                    (Op::Linear(_), [out, columns], [seen, _]) if out == seen => {
                        format!(": {} comes after {columns} features at this input size", step.layer.name)
                    }
                    _ => String::new(),
                };
                return Err(format!(
                    "`{name}` has shape {:?}, but network `{}` needs {:?}{why}",
                    tensor.shape(),
                    network.name,
                    parameter.shape
                ));
            }
            if !tensor.dtype().is_float() {
                return Err(format!("`{name}` holds {}, not floating point", tensor.dtype()));
            }
        }
    }
    Ok(())
}

/// Whether all of `seen` are `own` times one factor. Filters of one or two channels, which aren't trained, are as they are.
pub(super) fn scaled(own: &[usize], seen: &[usize]) -> bool {
    let mut trained = own.iter().zip(seen).filter(|(own, seen)| **own > 2 || own != seen).peekable();
    let Some(&(&own_first, &seen_first)) = trained.peek() else { return true };
    let product = |a: usize, b: usize| (a as u128).saturating_mul(b as u128);
    trained.all(|(&own, &seen)| product(own, seen_first) == product(own_first, seen))
}

fn note_widths(network: &Network, own: &[usize], seen: &[usize], notes: &mut Vec<String>) {
    let pairs = network.layers.iter().filter(|layer| layer.op.out().is_some()).zip(own.iter().zip(seen));
    let (convolutions, mut linear): (Vec<_>, Vec<_>) = pairs.partition(|(layer, _)| matches!(layer.op, Op::Conv2d(_)));
    if convolutions.iter().any(|(_, (own, seen))| own != seen) {
        let own: Vec<usize> = convolutions.iter().map(|(_, (own, _))| **own).collect();
        let seen: Vec<usize> = convolutions.iter().map(|(_, (_, seen))| **seen).collect();
        let factor = match own.iter().zip(&seen).find(|(own, seen)| own != seen) {
            Some((own_first, seen_first)) if scaled(&own, &seen) => {
                format!(", a factor of {:.4}", *seen_first as f64 / *own_first as f64)
            }
            _ => String::new(),
        };
        notes.push(format!("convolutions have {} outputs instead of {}{factor}", dashed(&seen), dashed(&own)));
    }
    linear.pop(); // The last one's outputs are the classes.
    for (layer, (own, seen)) in linear.into_iter().filter(|(_, (own, seen))| own != seen) {
        notes.push(format!("{} has {seen} outputs instead of {own}", layer.name));
    }
}

/// `64-192-384-256-256`
fn dashed<'a>(widths: impl IntoIterator<Item = &'a usize>) -> String {
    widths.into_iter().map(usize::to_string).collect::<Vec<_>>().join("-")
}

//! From the network that a file describes to one of ours: its nodes become one line of layers, the line gets our names, and
//! where it is a network that has a name, that name.

#![allow(clippy::single_range_in_vec_init, reason = "one stretch of channels is a list of one range")]

mod merge;
mod names;
mod operands;
mod recognise;
mod view;

use super::{ImportOptions, Imported};
use crate::report::{Guess, Report, Used};
use crate::{Checkpoint, Error, Result};
use alexnet_spec::layers::LocalResponseNorm;
use alexnet_spec::{Graph, Input, Labels, Layer, Network, Op, Preprocessing, Resize, Weights, networks};
use merge::Merged;
use std::collections::BTreeMap;

/// Makes a network of what a file says it computes.
///
/// Errs where the description can't be one line of layers, or isn't the network that the user insists on.
pub(super) fn import(checkpoint: &Checkpoint, graph: &Graph, options: &ImportOptions) -> Result<Imported> {
    if let Some(key) = &options.key {
        let message =
            format!("the file describes one network, so there is no choice by --key `{}`", key.escape_debug());
        return Err(Error::refused(message).with_remedy("without it"));
    }
    let insisted = options.network.as_ref();
    let told = graph.input.clone().or_else(|| insisted.map(|network| network.input.clone()));
    let input = match told {
        Some(input) => input,
        None => known_input(graph)?,
    };
    if input.channels > MOST_CHANNELS {
        return Err(Error::refused(format!(
            "an image of {} channels; at most {MOST_CHANNELS} are read",
            input.channels
        )));
    }
    let mut line = merge::line(graph, &input)?;
    let mut notes: Vec<String> = graph.notes.iter().cloned().chain(std::mem::take(&mut line.notes)).collect();
    if matches!(line.layers.last(), Some(Merged { op: Op::Softmax(_), .. })) {
        line.layers.pop();
        notes.push("the softmax at the end is left out: logits are written".to_owned());
    }

    let mut network = bare(graph, input, &line.layers)?;
    let (known, pairs) = match insisted {
        Some(insisted) => (Some(insisted.clone()), insist(&network, insisted)?),
        None => match recognise::known(&network) {
            Some((known, pairs)) => (Some(known), pairs),
            None => (None, Vec::new()),
        },
    };
    if let Some(known) = &known {
        adopt(&mut network, known, &pairs);
    }
    let mut guessed = Vec::new();
    contract(&mut network, graph, known.as_ref(), &mut guessed);
    if known.is_none() {
        // Its own name must not say that it is a network that it isn't.
        if alexnet_spec::networks::get(&network.name).is_some() {
            network.name = format!("{}-{}", network.name, graph.dialect);
        }
        notes.push(
            "it computes none of the networks that have a name here: what the file says is what is written".into(),
        );
    }
    finish(checkpoint, graph, network, line.layers, Report { notes, guessed, ..Report::default() })
}

/// More channels than any image has: a bound on what is kept for each of them.
const MOST_CHANNELS: usize = 1024;

/// The size of images at which a description without one is a network that has a name.
///
/// Errs where it is none, and where it is one at several sizes.
fn known_input(graph: &Graph) -> Result<Input> {
    let mut inputs: Vec<Input> = Vec::new();
    for input in networks::ALL.iter().map(|entry| (entry.network)().input) {
        if !inputs.contains(&input) {
            inputs.push(input);
        }
    }
    inputs.retain(|input| {
        let network = merge::line(graph, input).and_then(|line| bare(graph, input.clone(), &line.layers));
        network.is_ok_and(|network| recognise::known(&network).is_some())
    });
    match inputs.pop() {
        Some(input) if inputs.is_empty() => Ok(input),
        _ => Err(Error::ambiguous(
            "the file doesn't say how large its images are",
            "--network with the network that it is, or with a JSON file of it (--list-networks --json prints some)",
        )),
    }
}

/// The line of layers under our names.
fn bare(graph: &Graph, input: Input, layers: &[Merged]) -> Result<Network> {
    let names = names::canonical(layers.iter().map(|layer| &layer.op));
    let named = graph.name.as_deref().map(plain).filter(|name| !name.is_empty());
    let description = match &graph.name {
        Some(name) => format!("`{}` as its {} file describes it", name.escape_debug(), graph.dialect),
        None => format!("as its {} file describes it", graph.dialect),
    };
    let preprocessing = Preprocessing {
        mean: alexnet_spec::Mean::PerChannel(vec![0.0; input.channels]),
        std: vec![1.0; input.channels],
        resize: enlarged(Preprocessing::torchvision().resize, &input),
        ..Preprocessing::torchvision()
    };
    let network = Network {
        name: named.unwrap_or_else(|| "custom".to_owned()),
        description,
        input,
        preprocessing,
        labels: Labels::Unknown,
        layers: names.into_iter().zip(layers).map(|(name, layer)| Layer { name, op: layer.op.clone() }).collect(),
    };
    network.trace()?;
    Ok(network)
}

/// A name as networks have them, in place of what a file says.
fn plain(name: &str) -> String {
    let dashed: String =
        name.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' }).collect();
    dashed.trim_matches('-').chars().take(64).collect()
}

/// Errs with the first difference where the file's network isn't the one that the user says it is.
fn insist(network: &Network, insisted: &Network) -> Result<Vec<Option<usize>>> {
    recognise::difference(network, insisted).map_err(|difference| {
        let message = format!("the file's own layers aren't those of network `{}`: {difference}", insisted.name);
        Error::refused(message).with_remedy("without --network: the file says what it computes")
    })
}

/// Gives the network the name, the layers' names and the exact constants of the one that it is.
fn adopt(network: &mut Network, known: &Network, pairs: &[Option<usize>]) {
    network.name.clone_from(&known.name);
    network.description.clone_from(&known.description);
    let taken: Vec<String> = network.layers.iter().map(|layer| layer.name.clone()).collect();
    for (index, (layer, pair)) in network.layers.iter_mut().zip(pairs).enumerate() {
        let Some(model) = pair.and_then(|pair| known.layers.get(pair)) else { continue };
        let elsewhere = taken.iter().enumerate().any(|(other, name)| other != index && *name == model.name);
        if !elsewhere {
            layer.name.clone_from(&model.name);
        }
        // A file that keeps 1e-4 in single precision means 1e-4.
        match (&mut layer.op, &model.op) {
            (Op::LocalResponseNorm(own), Op::LocalResponseNorm(model)) => *own = LocalResponseNorm { ..model.clone() },
            (Op::SpatialResponseNorm(own), Op::SpatialResponseNorm(model)) => own.clone_from(model),
            (Op::BatchNorm2d(own), Op::BatchNorm2d(model)) => own.clone_from(model),
            _ => {}
        }
    }
}

/// How images become the input, and what the classes are called: what the file says, else as for the network that it is.
fn contract(network: &mut Network, graph: &Graph, known: Option<&Network>, guessed: &mut Vec<Guess>) {
    let stated = graph.preprocessing.clone().or_else(|| known.map(|known| known.preprocessing.clone()));
    match stated.filter(|stated| stated.std.len() == network.input.channels) {
        Some(stated) => network.preprocessing = stated,
        None => guessed.push(Guess {
            what: "pixels from 0 to 1, RGB, without a mean".to_owned(),
            why: "the file doesn't say how images are prepared, and the network is none that is known".to_owned(),
            settle: "--network FILE.json with the right preprocessing settles it; logits don't depend on it".to_owned(),
        }),
    }
    network.preprocessing.resize = enlarged(network.preprocessing.resize.clone(), &network.input);
    let labels = graph.labels.clone().or_else(|| known.map(|known| known.labels.clone())).unwrap_or_default();
    if labels.len().is_none_or(|count| Some(count) == network.class_count()) {
        network.labels = labels;
    }
}

/// A resize that leaves enough for the input to be cut out.
fn enlarged(resize: Resize, input: &Input) -> Resize {
    match resize {
        Resize::ShortSide { size, interpolation } => {
            Resize::ShortSide { size: size.max(input.height).max(input.width), interpolation }
        }
        Resize::Exact { height, width, interpolation } => {
            Resize::Exact { height: height.max(input.height), width: width.max(input.width), interpolation }
        }
    }
}

fn finish(
    checkpoint: &Checkpoint,
    graph: &Graph,
    network: Network,
    layers: Vec<Merged>,
    report: Report,
) -> Result<Imported> {
    let (mut used, mut tensors) = (Vec::new(), BTreeMap::new());
    for (layer, merged) in network.layers.iter().zip(layers) {
        for parameter in merged.parameters {
            let name = format!("{}.{}", layer.name, parameter.role);
            used.push(Used {
                parameter: name.clone(),
                sources: parameter.resolved.sources,
                transform: parameter.resolved.transform,
                shape: parameter.tensor.shape().to_vec(),
                dtype: parameter.resolved.dtype,
            });
            tensors.insert(name, parameter.tensor);
        }
    }
    let weights = Weights::new(&network, tensors).map_err(|error| Error::refused(error.to_string()))?;
    let report = Report {
        format: checkpoint.format.to_owned(),
        dialect: graph.dialect.to_owned(),
        network: network.name.clone(),
        classes: network.class_count(),
        used,
        ..report
    };
    Ok(Imported { network, weights, dialect: graph.dialect, report })
}

use super::NAMED;
use crate::{Checkpoint, ImportOptions};
use alexnet_spec::{Network, Parameter, Tensor, networks};
use std::fmt::Write;

/// How many candidates a parameter's entry lists.
const LISTED: usize = 8;

/// A map to start from, in TOML: for each parameter of the network that the user insists on, or else of the one that most
/// tensors of the checkpoint suit, the tensors that can be it. Where only one can, its line is ready; else each is a comment.
/// `None` where no tensor suits anything.
pub(crate) fn draft(checkpoint: &Checkpoint, options: &ImportOptions) -> Option<String> {
    let tensors: Vec<(String, &Tensor)> = checkpoint
        .groups
        .iter()
        .flat_map(|group| {
            let full = |name: &str| match (checkpoint.groups.len(), group.key.as_str()) {
                (1, _) | (_, "") => name.to_owned(),
                (_, key) => format!("{key}.{name}"),
            };
            group.tensors.iter().map(move |(name, tensor)| (full(name), tensor))
        })
        .collect();
    let network = match &options.network {
        Some(network) => network.clone(),
        None => {
            let all = networks::ALL.iter().map(|entry| (entry.network)());
            // The first of those that suit best: `max_by_key` takes the last.
            let all: Vec<(usize, Network)> = all.map(|network| (suited(&network, &tensors), network)).collect();
            all.into_iter().rev().max_by_key(|(suited, _)| *suited).filter(|(suited, _)| *suited > 0)?.1
        }
    };
    let mut text = format!(
        "# Which tensor each parameter is. Keep one line for each, and give this file by --map.\n\
         network = {}  # of --list-networks; the nearest by shapes\n\n[parameters]\n",
        quoted(&network.name)
    );
    for parameter in network.parameters().ok()? {
        let _ = writeln!(text, "# {} {:?}", parameter.name, parameter.shape);
        let found = candidates(&parameter, &tensors);
        let start = if found.len() == 1 { "" } else { "# " };
        for (name, tensor, transform) in found.iter().take(LISTED) {
            let name = quoted(name);
            let entry = match transform {
                Some(transform) => format!("{{ from = {name}, transform = {} }}", quoted(transform)),
                None => name,
            };
            let _ = writeln!(text, "{start}{} = {entry}  # {:?}", quoted(&parameter.name), tensor.shape());
        }
        match found.len() {
            0 => text.push_str("# no tensor has this shape in any layout\n"),
            count if count > LISTED => {
                let _ = writeln!(text, "# and {} more", count.saturating_sub(LISTED));
            }
            _ => {}
        }
    }
    Some(text)
}

/// How well the kernels and matrices of the network are found among the tensors, from 0 to 1000: exact ones count for more
/// than those of other widths.
fn suited(network: &Network, tensors: &[(String, &Tensor)]) -> usize {
    let parameters = network.parameters().unwrap_or_default();
    let score = |parameter: &Parameter| match candidates(parameter, tensors).first() {
        Some((_, tensor, _)) if tensor.elements() == parameter.elements() => 1000,
        Some(_) => 100,
        None => 0usize,
    };
    let scores: Vec<usize> = parameters.iter().filter(|parameter| parameter.shape.len() > 1).map(score).collect();
    scores.iter().fold(0, |sum, score| score.saturating_add(sum)).checked_div(scores.len()).unwrap_or_default()
}

/// The tensors that have a parameter's shape in some layout, with the transform that turns it; where none has, those of other
/// widths that have its kernel.
fn candidates<'t>(
    parameter: &Parameter,
    tensors: &'t [(String, &'t Tensor)],
) -> Vec<(&'t str, &'t Tensor, Option<&'static str>)> {
    let suits = |alike: &dyn Fn(&[usize]) -> bool| {
        let found = tensors.iter().filter_map(|(name, tensor)| {
            let turned = |axes: &[usize]| axes.iter().map(|axis| tensor.shape().get(*axis).copied()).collect();
            if alike(tensor.shape()) {
                return Some((name.as_str(), *tensor, None));
            }
            let layouts = NAMED.iter().map(|(name, axes)| (*name, &axes[..])).chain([("transpose", &[1, 0][..])]);
            let (layout, _) = layouts.filter(|(_, axes)| axes.len() == tensor.shape().len()).find(|(_, axes)| {
                let shape: Option<Vec<usize>> = turned(axes);
                shape.is_some_and(|shape| alike(&shape))
            })?;
            Some((name.as_str(), *tensor, Some(layout)))
        });
        found.collect::<Vec<_>>()
    };
    let exact = suits(&|shape| shape == parameter.shape);
    if !exact.is_empty() {
        return exact;
    }
    match &parameter.shape[..] {
        [_, _, kernel @ ..] if !kernel.is_empty() => suits(&|shape| shape.get(2..) == Some(kernel)),
        shape => suits(&|other| other.len() == shape.len()),
    }
}

/// A basic string of TOML. JSON's escapes are TOML's, but for DEL, which TOML wants escaped too.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string().replace('\u{7f}', "\\u007f")
}

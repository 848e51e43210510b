//! An import by a map of the user's, which says what every parameter is.

use super::fit::{Widths, fit};
use super::place::Names;
use super::{ImportOptions, Imported, choose};
use crate::map::Map;
use crate::report::{Report, Unused, Used};
use crate::{Checkpoint, Error, Group, Result};
use alexnet_spec::{Network, Tensor, Weights, networks};
use std::collections::{BTreeMap, BTreeSet};

/// How many names a message lists.
const LISTED: usize = 6;

/// Makes a checkpoint a network as `map` says.
///
/// Errs with the file and the entry: where the network has no such parameter or lacks one of the map's, a tensor isn't there or
/// is there twice, a transform doesn't suit it, or its shape isn't the network's. Tensors that the map doesn't name are left
/// out, and reported so.
pub(super) fn import(checkpoint: &Checkpoint, map: &Map, options: &ImportOptions) -> Result<Imported> {
    let key = options.key.as_deref().or(map.key.as_deref());
    let names: Vec<Names<'_>> = checkpoint.groups.iter().map(Names::new).collect();
    let scope: Vec<(&Group, Option<String>)> =
        choose::scope(&names, key)?.into_iter().map(|(names, prefix)| (names.group, prefix)).collect();
    let sources = Sources::new(&scope);

    let (mut tensors, mut used) = (BTreeMap::new(), BTreeMap::new());
    for (parameter, origin) in &map.parameters {
        let fault = |what: String| map.fault(parameter, what);
        let found: Vec<Found<'_>> =
            origin.sources.iter().map(|name| sources.get(name, map, parameter)).collect::<Result<_>>()?;
        let parts: Vec<Tensor> = found.iter().map(|found| found.tensor.clone()).collect();
        let tensor = origin.transform.apply(&parts).map_err(|error| {
            fault(format!("{error}; the shapes are {:?}", parts.iter().map(Tensor::shape).collect::<Vec<_>>()))
        })?;
        let entry = Used {
            parameter: parameter.clone(),
            sources: found.iter().map(|found| found.name.to_owned()).collect(),
            transform: origin.transform.clone(),
            shape: tensor.shape().to_vec(),
            dtype: parts.first().map_or(tensor.dtype(), Tensor::dtype),
        };
        tensors.insert(parameter.clone(), tensor);
        used.insert(parameter.clone(), entry);
    }

    let (network, notes) = network(map, options, &tensors)?;
    let tensors = unfolded(&network, &tensors)?;
    for (parameter, tensor) in &tensors {
        if let Some(used) = used.get_mut(parameter) {
            used.shape = tensor.shape().to_vec();
        }
    }
    let names = network.parameters()?.into_iter().map(|parameter| parameter.name);
    let weights = Weights::new(&network, tensors)?;
    let report = Report {
        format: checkpoint.format.to_owned(),
        dialect: "map".to_owned(),
        network: network.name.clone(),
        classes: network.class_count(),
        key: key.unwrap_or_default().to_owned(),
        unused: sources.unused(used.values()),
        used: names.filter_map(|name| used.get(&name).cloned()).collect(),
        notes,
        ..Report::default()
    };
    Ok(Imported { network, weights, dialect: "map", report })
}

/// The network that the user or the map names, or else the only one whose parameters these are; and where it differs.
fn network(map: &Map, options: &ImportOptions, tensors: &BTreeMap<String, Tensor>) -> Result<(Network, Vec<String>)> {
    let by_name = match (&options.network, &map.network) {
        (Some(network), _) => Some(network.clone()),
        (None, Some(name)) => {
            let known = || networks::ALL.iter().map(|entry| entry.name).collect::<Vec<_>>().join(", ");
            let found = networks::get(name).ok_or_else(|| {
                Error::refused(format!("`network` is `{}`, which isn't known", name.escape_debug()))
                    .with_remedy(format!("one of: {}", known()))
                    .in_file(map.file.clone())
            });
            Some(found?)
        }
        (None, None) => None,
    };
    if let Some(network) = by_name {
        check_names(map, &network)?;
        let fitted = fit(&network, &unfolded(&network, tensors)?, Widths::Any, str::to_owned);
        return fitted.map(|fitted| (fitted.network, fitted.notes)).map_err(|what| {
            Error::refused(what).in_file(map.file.clone()).with_remedy("another transform, or another --network")
        });
    }
    let all = networks::ALL.iter().map(|entry| (entry.network)());
    let fitting: Vec<_> = all
        .filter(|network| check_names(map, network).is_ok())
        .filter_map(|network| fit(&network, &unfolded(&network, tensors).ok()?, Widths::Published, str::to_owned).ok())
        .collect();
    match <[_; 1]>::try_from(fitting) {
        Ok([fitted]) => Ok((fitted.network, fitted.notes)),
        Err(several) => {
            let names: Vec<String> = several.into_iter().map(|fitted| fitted.network.name).collect();
            let (message, remedy) = match names.is_empty() {
                true => ("names no network, and none has its parameters and shapes", "--network NAME".to_owned()),
                false => (
                    "names no network, and its parameters and shapes fit several that compute different things",
                    format!("--network with one of: {}", names.join(", ")),
                ),
            };
            Err(Error::ambiguous(message, &remedy).in_file(map.file.clone()))
        }
    }
}

/// The tensors without axes that say nothing: biases of `[1, 1, 1, N]`, as Caffe had them, and matrices that are still kernels
/// over a whole map, `[out, channels, height, width]`.
fn unfolded(network: &Network, tensors: &BTreeMap<String, Tensor>) -> Result<BTreeMap<String, Tensor>> {
    let mut unfolded = tensors.clone();
    for parameter in network.parameters()? {
        let Some(tensor) = unfolded.get_mut(&parameter.name) else { continue };
        let shape = match (&parameter.shape[..], tensor.shape()) {
            ([_], shape) if shape.len() > 1 && shape.iter().filter(|size| **size != 1).count() < 2 => {
                vec![tensor.elements()]
            }
            ([_, _], [out, rest @ ..]) if rest.len() > 1 => vec![*out, rest.iter().product()],
            _ => continue,
        };
        *tensor = tensor.reshape(&shape)?;
    }
    Ok(unfolded)
}

/// Whether the map's parameters are the network's, all of them.
fn check_names(map: &Map, network: &Network) -> Result<()> {
    let known: Vec<String> = network.parameters()?.into_iter().map(|parameter| parameter.name).collect();
    if let Some((strange, _)) = map.parameters.iter().find(|(name, _)| !known.contains(name)) {
        let what = format!("network `{}` has no such parameter", network.name);
        return Err(map.fault(strange, what).with_remedy(format!("one of: {}", known.join(", "))));
    }
    let missing: Vec<&str> = known
        .iter()
        .map(String::as_str)
        .filter(|name| map.parameters.iter().all(|(mapped, _)| mapped != name))
        .collect();
    match missing.first() {
        Some(_) => Err(Error::refused(format!("network `{}` needs {} too", network.name, listed(&missing)))
            .in_file(map.file.clone())
            .with_remedy("an entry for each, or --inspect for a map to start from")),
        None => Ok(()),
    }
}

/// A tensor of the checkpoint under its name there.
#[derive(Clone, Copy)]
struct Found<'a> {
    group: &'a Group,
    name: &'a str,
    tensor: &'a Tensor,
}

/// The tensors of the checkpoint by every name that a map may give them: their own, with their group's key before it, and
/// without the prefix that `--key` names.
struct Sources<'a> {
    by_name: BTreeMap<String, Vec<Found<'a>>>,
    scope: &'a [(&'a Group, Option<String>)],
}

impl<'a> Sources<'a> {
    fn new(scope: &'a [(&'a Group, Option<String>)]) -> Sources<'a> {
        let mut by_name: BTreeMap<String, Vec<Found<'a>>> = BTreeMap::new();
        for (group, prefix) in scope {
            for (name, tensor) in &group.tensors {
                let found = Found { group, name, tensor };
                let below = prefix.as_ref().and_then(|prefix| name.strip_prefix(prefix.trim_end_matches(['.', '/'])));
                let spellings: BTreeSet<String> = [
                    Some(name.clone()),
                    Some(format!("{}.{name}", group.key)).filter(|_| !group.key.is_empty()),
                    below.map(|below| below.trim_start_matches(['.', '/']).to_owned()),
                ]
                .into_iter()
                .flatten()
                .collect();
                spellings.into_iter().for_each(|spelling| by_name.entry(spelling).or_default().push(found));
            }
        }
        Sources { by_name, scope }
    }

    fn get(&self, name: &str, map: &Map, parameter: &str) -> Result<Found<'a>> {
        let shown = name.escape_debug();
        match self.by_name.get(name).map(Vec::as_slice) {
            Some([found]) => Ok(*found),
            Some(several) => {
                let keys: Vec<String> =
                    several.iter().map(|found| format!("`{}`", found.group.key.escape_debug())).collect();
                Err(map
                    .fault(parameter, format!("there are {} tensors `{shown}`, in {}", several.len(), keys.join(", ")))
                    .with_remedy("the key before the name, with a dot"))
            }
            None => {
                let unreadable = self.scope.iter().flat_map(|(group, _)| &group.unreadable).find(|u| u.name == name);
                if let Some(unreadable) = unreadable {
                    return Err(map.fault(parameter, format!("`{shown}` can't be read: {}", unreadable.reason)));
                }
                let all: Vec<&str> =
                    self.scope.iter().flat_map(|(group, _)| &group.tensors).map(|(n, _)| n.as_str()).collect();
                Err(map.fault(parameter, format!("there is no tensor `{shown}`; there are {}", listed(&all))))
            }
        }
    }

    /// What the map doesn't name.
    fn unused<'u>(&self, used: impl Iterator<Item = &'u Used>) -> Vec<Unused> {
        let used: BTreeSet<&str> = used.flat_map(|used| &used.sources).map(String::as_str).collect();
        let all = self.scope.iter().flat_map(|(group, _)| &group.tensors).map(|(name, _)| name);
        let left = all.filter(|name| !used.contains(name.as_str()));
        left.map(|name| Unused { name: name.clone(), why: "the map doesn't name it".to_owned() }).collect()
    }
}

fn listed(names: &[&str]) -> String {
    let shown: Vec<String> = names.iter().take(LISTED).map(|name| format!("`{}`", name.escape_debug())).collect();
    match names.len().saturating_sub(LISTED) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

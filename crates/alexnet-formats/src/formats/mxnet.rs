//! MXNet's and Gluon's `.params`, of every version that `mx.nd.load` reads. Sparse arrays are refused.
//!
//! `Module.save_checkpoint` and `HybridBlock.export` write `PREFIX-0000.params` with names like `arg:conv1_weight`, and the
//! network beside it as `PREFIX-symbol.json`, which is read where it is there. What a block saves of itself carries no
//! network; its older form puts the block's own prefix, as in `alexnet0_`, before every name.

use super::Format;
use crate::mxnet::{self, Array, Entry};
use crate::shown::shown;
use crate::{Checkpoint, Error, Group, Kind, Limits, Result, Source, Unreadable};
use alexnet_spec::Graph;
use std::collections::HashSet;

pub(super) const FORMAT: Format = Format {
    name: "mxnet",
    about: "MXNet and Gluon: .params, with a -symbol.json beside it or without",
    recognises: |source, _| mxnet::recognises(&source.bytes()),
    read,
};

fn read(source: &Source, limits: &Limits) -> Result<Checkpoint> {
    let mut entries = mxnet::read(source.bytes(), limits)?;
    let is_module = !entries.is_empty() && entries.iter().all(|entry| kind_and_name(&entry.name).is_some());
    for entry in entries.iter_mut().filter(|_| is_module) {
        entry.name = kind_and_name(&entry.name).unwrap_or_default().to_owned();
    }
    let scope = scope(&entries);
    let described = is_module.then(|| group("", &entries, "")).transpose()?;
    let graph = match &described {
        Some(group) => beside(source, group, limits)?,
        None => None,
    };
    let groups = vec![group(scope.trim_end_matches('_'), &entries, scope)?];
    Ok(Checkpoint { graph, ..Checkpoint::new(FORMAT.name, groups) })
}

/// The name behind the kind that `Module` puts before it: weights are `arg`, statistics of batch norm `aux`.
fn kind_and_name(name: &str) -> Option<&str> {
    name.strip_prefix("arg:").or_else(|| name.strip_prefix("aux:"))
}

/// What a block puts before all of its parameters' names: its class and number, `alexnet0_`.
fn scope(entries: &[Entry]) -> &str {
    let Some(first) = entries.first() else { return "" };
    let Some((scope, _)) = first.name.split_once('_') else { return "" };
    let is_number = scope.ends_with(|last: char| last.is_ascii_digit()) && !scope.contains('.');
    let Some(scope) = first.name.get(..scope.len().saturating_add(1)).filter(|_| is_number) else { return "" };
    let shared = entries.iter().all(|entry| entry.name.len() > scope.len() && entry.name.starts_with(scope));
    if shared { scope } else { "" }
}

/// The arrays under their names without `scope`.
fn group(key: &str, entries: &[Entry], scope: &str) -> Result<Group> {
    let mut group = Group { key: key.to_owned(), ..Group::default() };
    let mut seen = HashSet::new();
    for Entry { name, array } in entries {
        if !seen.insert(name) {
            return Err(Error::malformed(format!("there are two arrays `{}`", shown(name.as_bytes()))));
        }
        let name = name.strip_prefix(scope).unwrap_or(name).to_owned();
        match array {
            Array::Tensor(tensor) => group.tensors.push((name, tensor.clone())),
            Array::Unreadable(reason) => group.unreadable.push(Unreadable { name, reason: reason.clone() }),
            Array::Nothing => {
                let reason = "it was never given a shape; try saving it after the first forward pass".to_owned();
                group.unreadable.push(Unreadable { name, reason });
            }
        }
    }
    Ok(group)
}

/// The network that lies beside `PREFIX-0000.params` as `PREFIX-symbol.json`.
fn beside(source: &Source, group: &Group, limits: &Limits) -> Result<Option<Graph>> {
    let file = source.file_name();
    let Some((prefix, epoch)) = file.strip_suffix(".params").and_then(|stem| stem.rsplit_once('-')) else {
        return Ok(None);
    };
    if epoch.is_empty() || !epoch.bytes().all(|byte| byte.is_ascii_digit()) {
        return Ok(None);
    }
    let name = format!("{prefix}-symbol.json");
    let symbol = match source.sibling(&name, limits) {
        Ok(symbol) => symbol,
        Err(error) if matches!(error.kind(), Kind::Io | Kind::Refused) => return Ok(None),
        Err(error) => return Err(error),
    };
    mxnet::graph(prefix, &symbol.bytes(), group, limits).map(Some).map_err(|error| error.at(shown(name.as_bytes())))
}

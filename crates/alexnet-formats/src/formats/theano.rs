//! A folder of `.npy` files, or a zip of one, as `uoguelph-mlrg/theano_alexnet` saves its weights (`lib/tools.py`):
//! `W_<layer>_<epoch>.npy` and `b_<layer>_<epoch>.npy`, with `W0`, `W1`, `b0` and `b1` for the halves of a layer of two groups.
//! The newest epoch is taken, and its tensors are named without it: `W0_1`. Momentum (`mom_*`) is left alone.

use super::Format;
use super::pytorch::{Seen, Storages};
use crate::archive::Archive;
use crate::pickle::Heap;
use crate::shown::shown;
use crate::{Checkpoint, Error, Group, Limits, Result, Source, Unreadable, npy};
use bytes::Bytes;
use std::collections::{BTreeMap, BTreeSet};

pub(super) const FORMAT: Format = Format {
    name: "theano",
    about: "a folder (or a zip) of W_0_65.npy, b_0_65.npy, ... of theano_alexnet, or the newest epoch of several",
    recognises,
    read,
};

/// A weight's file: what it is without its epoch, and the epoch.
fn parse(path: &str) -> Option<(&str, u64)> {
    let stem = path.rsplit('/').next()?.strip_suffix(".npy")?;
    let (name, epoch) = stem.rsplit_once('_')?;
    let (role, layer) = name.split_once('_')?;
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let known = matches!(role, "W" | "W0" | "W1" | "b" | "b0" | "b1") && is_number(layer) && is_number(epoch);
    known.then_some(())?;
    Some((name, epoch.parse().ok()?))
}

fn recognises(source: &Source, limits: &Limits) -> bool {
    let first = |path: &str| matches!(parse(path), Some(("W_0" | "W0_0", _)));
    match source.folder() {
        Some(files) => files.iter().any(|file| first(&file.file_name())),
        None => {
            Archive::recognises(&source.bytes())
                && Archive::open(source.bytes(), limits).is_ok_and(|archive| archive.names().any(first))
        }
    }
}

fn read(source: &Source, limits: &Limits) -> Result<Checkpoint> {
    let archive = match source.folder() {
        Some(_) => None,
        None => Some(Archive::open(source.bytes(), limits)?),
    };
    let names: Vec<String> = match (source.folder(), &archive) {
        (Some(files), _) => files.iter().map(Source::file_name).collect(),
        (None, Some(archive)) => archive.names().map(str::to_owned).collect(),
        (None, None) => Vec::new(),
    };
    let content = |path: &str| -> Result<Bytes> {
        Ok(match (source.folder(), &archive) {
            (Some(files), _) => files.iter().find(|file| file.file_name() == path).map(Source::bytes),
            (None, Some(archive)) => archive.read(path)?,
            (None, None) => None,
        }
        .unwrap_or_default())
    };
    let epochs: BTreeSet<u64> = names.iter().filter_map(|path| Some(parse(path)?.1)).collect();
    let Some(newest) = epochs.last().copied() else {
        return Err(Error::refused("holds no weights by theano_alexnet's names"));
    };

    let mut paths: BTreeMap<&str, &str> = BTreeMap::new();
    for path in &names {
        if let Some((name, epoch)) = parse(path)
            && epoch == newest
            && let Some(other) = paths.insert(name, path)
        {
            let (path, other) = (shown(path.as_bytes()), shown(other.as_bytes()));
            return Err(Error::malformed(format!("`{path}` and `{other}` are the same weights")));
        }
    }
    let (mut group, mut heap) = (Group::default(), Heap::new(limits));
    for (name, path) in paths {
        let place = |error: Error| error.at(format!("file `{}`", shown(path.as_bytes())));
        let bytes = content(path).map_err(place)?;
        let mut storages = Storages::new(bytes.len(), false);
        let value = npy::value(&mut heap, bytes).map_err(place)?;
        let mut unreadable = |reason| group.unreadable.push(Unreadable { name: name.to_owned(), reason });
        match storages.see(&heap, value).map_err(place)? {
            Seen::Tensor(tensor) => group.tensors.push((name.to_owned(), tensor)),
            Seen::Unreadable(reason) => unreadable(reason),
            Seen::Nothing => unreadable("no array of numbers".to_owned()),
        }
    }
    let mut checkpoint = Checkpoint::new(FORMAT.name, vec![group]);
    if epochs.len() > 1 {
        checkpoint.notes.push(format!("the newest of {} epochs: {newest}", epochs.len()));
    }
    Ok(checkpoint)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_weights_by_their_names_alone() {
        let cases = [
            ("W_0_65.npy", Some(("W_0", 65))),
            ("parameters_releasing/b1_4_9.npy", Some(("b1_4", 9))),
            ("W2_1_65.npy", None),
            ("mom_3_65.npy", None),
            ("W_0.npy", None),
            ("__MACOSX/._W_0_65.npy", None),
            ("W_0_99999999999999999999.npy", None),
        ];
        for (path, parsed) in cases {
            assert_eq!(parse(path), parsed, "{path}");
        }
    }
}

//! `.npz`, what `numpy.savez` writes: a zip whose members are `.npy` files, stored (then arrays are views of the file) or
//! deflated. Chainer's `save_npz` is one, with paths for names: `conv1/W`, or, of a whole trainer,
//! `updater/model:main/predictor/conv1/W`.

use super::Format;
use super::pytorch::{self, Seen, Storages};
use crate::archive::Archive;
use crate::pickle::{Heap, Value};
use crate::shown::shown;
use crate::{Checkpoint, Error, Group, Limits, Result, Source, Unreadable, npy, tree};
use std::collections::BTreeMap;

pub(super) const FORMAT: Format =
    Format { name: "npz", about: "numpy.savez of arrays by name, as Chainer writes it", recognises, read };

fn recognises(source: &Source, limits: &Limits) -> bool {
    let members = |archive: Archive| {
        let mut names = archive.names().peekable();
        names.peek().is_some() && names.all(|name| name.ends_with(".npy"))
    };
    Archive::recognises(&source.bytes()) && Archive::open(source.bytes(), limits).is_ok_and(members)
}

fn read(source: &Source, limits: &Limits) -> Result<Checkpoint> {
    let bytes = source.bytes();
    let archive = Archive::open(bytes.clone(), limits)?;
    let (mut storages, mut checksums) = (Storages::new(bytes.len(), false), Vec::new());
    let mut heap = Heap::new(limits);
    let mut groups = BTreeMap::new();
    for member in archive.names() {
        let name = member.strip_suffix(".npy").unwrap_or(member);
        let place = |error: Error| error.at(format!("zip entry `{}`", shown(member.as_bytes())));
        let content = archive.read_later(member, &mut checksums)?.unwrap_or_default();
        let value = npy::value(&mut heap, content).map_err(place)?;
        add(&mut groups, name, &heap, value, &mut storages).map_err(place)?;
    }
    let mut groups: Vec<Group> = groups.into_values().collect();
    if groups.iter().map(|group| group.tensors.len()).fold(0, usize::saturating_add) > limits.tensors {
        return Err(Error::limit("tensors", "an archive of more tensors", limits.tensors));
    }
    groups.retain(|group| !group.tensors.is_empty() || !group.unreadable.is_empty());
    if groups.is_empty() {
        return Err(Error::refused("holds no arrays of numbers").with_remedy("the file with the weights"));
    }
    Ok(Checkpoint { checksums, ..Checkpoint::new(FORMAT.name, tree::joined(groups)?) })
}

/// Groups by their keys: the root comes first.
type Groups = BTreeMap<String, Group>;

/// Puts a member into the group that its name says, and what is in an object into groups of its own.
fn add(groups: &mut Groups, name: &str, heap: &Heap, value: Value, storages: &mut Storages) -> Result<()> {
    let (key, own) = split(name);
    match storages.see(heap, value)? {
        Seen::Tensor(tensor) => group(groups, key.to_owned()).tensors.push((own.to_owned(), tensor)),
        Seen::Unreadable(reason) => {
            group(groups, key.to_owned()).unreadable.push(Unreadable { name: own.to_owned(), reason });
        }
        Seen::Nothing => {
            for inner in pytorch::reachable(heap, value, storages)? {
                let below = [name, inner.key.as_str()].into_iter().filter(|part| !part.is_empty());
                let outer = group(groups, below.collect::<Vec<_>>().join("."));
                if !outer.tensors.is_empty() || !outer.unreadable.is_empty() {
                    return Err(Error::malformed(format!("two objects are `{}`", shown(outer.key.as_bytes()))));
                }
                *outer = Group { key: outer.key.clone(), ..inner };
            }
        }
    }
    Ok(())
}

fn group(groups: &mut Groups, key: String) -> &mut Group {
    groups.entry(key.clone()).or_insert_with(|| Group { key, ..Group::default() })
}

/// The group of a name, and the name in it. A snapshot of Chainer's trainer holds several things by kind and name, as in
/// `model:main` and `optimizer:main`: each is a group of its own, so that the optimizer's arrays aren't the model's.
fn split(name: &str) -> (&str, &str) {
    let own = name.rsplit_once(':').and_then(|(_, rest)| rest.split_once('/')).map(|(_, own)| own);
    match own.and_then(|own| Some((name.strip_suffix(own)?.strip_suffix('/')?, own))) {
        Some(parts) => parts,
        None => ("", name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_trainer_holds_by_kind_is_a_group() {
        let cases = [
            ("conv1/W", ("", "conv1/W")),
            ("updater/model:main/predictor/conv1/W", ("updater/model:main", "predictor/conv1/W")),
            ("updater/optimizer:main/conv1/W/v", ("updater/optimizer:main", "conv1/W/v")),
            ("iterator:main", ("", "iterator:main")),
        ];
        for (name, parts) in cases {
            assert_eq!(split(name), parts, "{name}");
        }
    }
}

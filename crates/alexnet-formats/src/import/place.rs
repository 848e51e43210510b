//! Where in a checkpoint a state dict lies: a group, and in it a prefix that all of the network's names share.

use crate::{Group, Unreadable};
use alexnet_spec::Tensor;
use std::borrow::Cow;
use std::collections::BTreeMap;

/// Components that wrappers put into names, anywhere: `DataParallel`'s and `torch.compile`'s.
const WRAPPERS: [&str; 2] = ["module", "_orig_mod"];

/// What stands between the components of names: PyTorch's dots; the paths of HDF5, TensorFlow and Chainer.
const SEPARATORS: [char; 2] = ['.', '/'];

/// A group's tensors by name, without the wrappers' components.
pub(crate) struct Names<'a> {
    pub(super) group: &'a Group,
    by_name: BTreeMap<String, Source<'a>>,
    unreadable: BTreeMap<String, &'a Unreadable>,
    /// The components that were taken out, as in `module.`.
    pub(super) stripped: Vec<String>,
}

/// A tensor of a checkpoint and the name it has there.
#[derive(Clone, Copy)]
pub(crate) struct Source<'a> {
    pub(crate) name: &'a str,
    pub(crate) tensor: &'a Tensor,
}

impl<'a> Names<'a> {
    pub(super) fn new(group: &'a Group) -> Names<'a> {
        let sources = || group.tensors.iter().map(|(name, tensor)| Source { name, tensor });
        let unwrapped: BTreeMap<_, _> = sources().map(|source| (without_wrappers(source.name), source)).collect();
        // Averaged models keep `features.0.weight` beside `module.features.0.weight`: then the wrapper tells them apart.
        if unwrapped.len() < group.tensors.len() {
            let by_name = sources().map(|source| (source.name.to_owned(), source)).collect();
            let unreadable = group.unreadable.iter().map(|tensor| (tensor.name.clone(), tensor)).collect();
            return Names { group, by_name, unreadable, stripped: Vec::new() };
        }
        let wrapped = |wrapper: &&str| unwrapped.values().any(|s| components(s.name).any(|part| part == *wrapper));
        let stripped =
            WRAPPERS.iter().filter(|wrapper| wrapped(wrapper)).map(|wrapper| format!("{wrapper}.")).collect();
        let unreadable = group.unreadable.iter().map(|tensor| (without_wrappers(&tensor.name), tensor)).collect();
        Names { group, by_name: unwrapped, unreadable, stripped }
    }

    /// The prefixes under which any of `landmarks` lies, each with the separator at its end, and the number of them that do.
    pub(super) fn prefixes(&self, landmarks: &[String]) -> BTreeMap<&str, usize> {
        let mut found: BTreeMap<&str, usize> = BTreeMap::new();
        for name in self.by_name.keys().chain(self.unreadable.keys()) {
            for landmark in landmarks {
                let head = name.strip_suffix(landmark.as_str());
                if let Some(head) = head.filter(|head| head.is_empty() || head.ends_with(SEPARATORS)) {
                    let hits = found.entry(head).or_default();
                    *hits = hits.saturating_add(1);
                }
            }
        }
        found
    }

    /// Every tensor, wherever it lies, by its name without wrappers.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, Source<'a>)> {
        self.by_name.iter().map(|(name, source)| (name.as_str(), *source))
    }
}

/// The tensors of a group below one prefix.
pub(crate) struct Place<'a> {
    names: &'a Names<'a>,
    prefix: String,
    separator: &'static str,
    /// Whether `--key` names it.
    pub(super) asked: bool,
}

impl<'a> Place<'a> {
    /// `head` is the prefix with the separator at its end, or empty.
    pub(super) fn new(names: &'a Names<'a>, head: &str, asked: bool) -> Place<'a> {
        let separator = if head.ends_with('/') { "/" } else { "." };
        Place { names, prefix: head.trim_end_matches(SEPARATORS).to_owned(), separator, asked }
    }

    /// The tensor that has `name` below the prefix.
    pub(crate) fn get(&self, name: &str) -> Option<Source<'a>> {
        self.names.by_name.get(&self.full(name)).copied()
    }

    /// Why the tensor that has `name` below the prefix can't be read, where it can't.
    pub(super) fn unreadable(&self, name: &str) -> Option<&'a Unreadable> {
        self.names.unreadable.get(&self.full(name)).copied()
    }

    /// The tensors below the prefix.
    pub(super) fn inside(&self) -> impl Iterator<Item = (&'a str, Source<'a>)> {
        let start = self.full("");
        let names = self.names.by_name.range(start.clone()..);
        names.take_while(move |(name, _)| name.starts_with(&start)).map(|(name, source)| (name.as_str(), *source))
    }

    /// The tensors below a module of the place, in alphabetical order, by what follows the module's path: `.1.bias`.
    pub(super) fn inside_of(&self, module: &str) -> impl Iterator<Item = (&'a str, Source<'a>)> {
        let path = self.full(module);
        let names = self.names.by_name.range(format!("{path}.")..);
        let rest = move |(name, source): (&'a String, &Source<'a>)| {
            Some((name.strip_prefix(path.as_str()).filter(|rest| rest.starts_with('.'))?, *source))
        };
        names.map_while(rest)
    }

    /// All names of the group, those outside the place included.
    pub(super) fn names(&self) -> &'a Names<'a> {
        self.names
    }

    pub(super) fn group(&self) -> &'a Group {
        self.names.group
    }

    /// What was taken from the names: wrappers, then the prefix with its dot.
    pub(super) fn stripped(&self) -> Vec<String> {
        let prefix = Some(self.full("")).filter(|prefix| !prefix.is_empty());
        self.names.stripped.iter().cloned().chain(prefix).collect()
    }

    /// What all names below this place begin with, without wrappers.
    pub(super) fn prefix(&self) -> &str {
        &self.prefix
    }

    /// A module's path without wrappers.
    pub(super) fn unwrapped<'p>(&self, path: &'p str) -> Cow<'p, str> {
        if self.names.stripped.is_empty() { path.into() } else { without_wrappers(path).into() }
    }

    /// A module's path as the network's own names have it; `None` where it isn't below the prefix.
    pub(super) fn relative<'p>(&self, path: &'p str) -> Option<Cow<'p, str>> {
        match (self.prefix.as_str(), self.unwrapped(path)) {
            ("", path) => Some(path),
            (prefix, path) if path == prefix => Some("".into()),
            (prefix, path) => Some(path.strip_prefix(prefix)?.strip_prefix('.')?.to_owned().into()),
        }
    }

    /// What `--key` takes to mean this place.
    pub(super) fn key(&self) -> String {
        match (self.group().key.as_str(), self.prefix.as_str()) {
            ("", prefix) => prefix.to_owned(),
            (key, "") => key.to_owned(),
            (key, prefix) => format!("{key}.{prefix}"),
        }
    }

    fn full(&self, name: &str) -> String {
        if self.prefix.is_empty() { name.to_owned() } else { format!("{}{}{name}", self.prefix, self.separator) }
    }
}

fn components(name: &str) -> impl Iterator<Item = &str> {
    name.split('.')
}

/// `features.0.weight` for `module.features.module.0.weight`.
pub(super) fn without_wrappers(name: &str) -> String {
    let kept: Vec<&str> = components(name).filter(|part| !WRAPPERS.contains(part)).collect();
    kept.join(".")
}

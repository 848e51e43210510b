//! Pickled `nn.Module` objects and TorchScript's, as `state_dict()` would list them. Their classes are never looked at:
//! parameters, buffers and submodules stand in every module's `__dict__`.

use super::tensors::{Seen, Storages};
use crate::pickle::{Heap, Instance, Object, Value};
use crate::shown::shown;
use crate::{Attribute, Error, Group, Module, Result, Unreadable};
use bytes::Bytes;
use std::collections::HashSet;

/// How long a list may be to count as an attribute.
const LIST: usize = 16;

/// Whether an object is a module: of Python, by the dictionaries that `nn.Module` has, or of TorchScript, by its class.
pub(super) fn is_module(heap: &Heap, instance: &Instance) -> bool {
    is_scripted(heap, instance)
        || ["_parameters", "_modules"]
            .iter()
            .all(|name| heap.lookup(instance.state, name).is_some_and(|value| heap.dict(value).is_some()))
}

fn is_scripted(heap: &Heap, instance: &Instance) -> bool {
    heap.dict(instance.state).is_some()
        && heap
            .global(instance.class)
            .is_some_and(|(module, _)| module == "__torch__" || module.starts_with("__torch__."))
}

/// What a walk has met so far.
#[derive(Debug, Default)]
pub(super) struct Tally {
    names: usize,
    entries: usize,
}

impl Tally {
    /// Counts one more tensor or module.
    pub fn name(&mut self, heap: &Heap) -> Result<()> {
        let limit = heap.limits().tensors;
        self.names = self.names.saturating_add(1);
        match self.names > limit {
            true => Err(Error::limit("tensors", "one more tensor or module", limit)),
            false => Ok(()),
        }
    }

    /// Counts entries of dictionaries of modules, which are looked at as often as the module is listed.
    fn entries(&mut self, heap: &Heap, count: usize) -> Result<()> {
        let limit = heap.limits().opcodes;
        self.entries = self.entries.saturating_add(count);
        match self.entries > limit {
            true => Err(Error::limit("opcodes", "one more entry of a module", limit)),
            false => Ok(()),
        }
    }
}

/// The group of the module `root`: its own parameters and buffers, then those of its submodules, and so on.
///
/// A module that hangs in several places is listed in each, as `state_dict()` does; the limits on tensors and depth end what
/// would otherwise have no end.
pub(super) fn group(heap: &Heap, root: Value, storages: &mut Storages, tally: &mut Tally) -> Result<Group> {
    let mut collect = Collect { heap, storages, tally, group: Group::default() };
    let mut open = vec![(root, String::new(), 0usize)];
    while let Some((value, path, depth)) = open.pop() {
        if depth > heap.limits().depth {
            return Err(Error::limit("depth", "modules nested deeper", heap.limits().depth));
        }
        let children = collect.module(value, &path)?;
        for (name, child) in children.into_iter().rev() {
            open.push((child, join(heap, &path, &name)?, depth.saturating_add(1)));
        }
    }
    Ok(collect.group)
}

struct Collect<'a> {
    heap: &'a Heap,
    storages: &'a mut Storages,
    tally: &'a mut Tally,
    group: Group,
}

impl Collect<'_> {
    /// Takes one module's own tensors and attributes; returns its submodules by name.
    fn module(&mut self, value: Value, path: &str) -> Result<Vec<(String, Value)>> {
        let heap = self.heap;
        let Some(Object::Instance(instance)) = heap.get(value) else { return Ok(Vec::new()) };
        self.tally.name(heap)?;
        if !is_module(heap, instance) {
            let reason = format!("a module of class `{}`, whose content isn't known", heap.class_name(instance.class));
            self.group.unreadable.push(Unreadable { name: path.into(), reason });
            return Ok(Vec::new());
        }
        let state = heap.dict(instance.state).unwrap_or_default();
        self.tally.entries(heap, state.len())?;
        check_keys(heap, state)?;
        let class = heap.global(instance.class).map(|(module, name)| format!("{module}.{name}"));
        let attributes = state.iter().filter_map(|(key, value)| {
            let name = heap.str(*key).filter(|name| !name.starts_with('_'))?;
            Some((name.to_owned(), attribute(heap, *value)?))
        });
        let attributes = attributes.collect();
        self.group.modules.push(Module { path: path.into(), class: class.unwrap_or_default(), attributes });
        let mut children = Vec::new();
        if is_scripted(heap, instance) {
            for (key, value) in state {
                let name = name_of(heap, *key)?;
                match heap.get(*value) {
                    Some(Object::Instance(child)) if is_scripted(heap, child) => {
                        children.push((name.to_owned(), *value))
                    }
                    _ => self.tensor(path, name, *value)?,
                }
            }
            return Ok(children);
        }
        let part = |name| heap.lookup(instance.state, name).and_then(|part| heap.dict(part)).unwrap_or_default();
        let transient = transient(heap, instance);
        self.tally.entries(heap, transient.len())?;
        for part in ["_parameters", "_buffers", "_modules"].map(part) {
            self.tally.entries(heap, part.len())?;
            check_keys(heap, part)?;
        }
        for (key, value) in part("_parameters").iter().chain(part("_buffers")) {
            if !heap.bytes(*key).is_some_and(|key| transient.contains(key)) {
                self.tensor(path, name_of(heap, *key)?, *value)?;
            }
        }
        for (key, value) in part("_modules").iter().filter(|(_, value)| *value != Value::None) {
            children.push((name_of(heap, *key)?.to_owned(), *value));
        }
        Ok(children)
    }

    fn tensor(&mut self, path: &str, name: &str, value: Value) -> Result<()> {
        let name = join(self.heap, path, name)?;
        match self
            .storages
            .see(self.heap, value)
            .map_err(|error| error.at(format!("tensor `{}`", shown(name.as_bytes()))))?
        {
            Seen::Tensor(tensor) => self.group.tensors.push((name, tensor)),
            Seen::Unreadable(reason) => self.group.unreadable.push(Unreadable { name, reason }),
            Seen::Nothing => return Ok(()),
        }
        self.tally.name(self.heap)
    }
}

fn join(heap: &Heap, path: &str, name: &str) -> Result<String> {
    let joined = if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
    let limit = heap.limits().name_bytes;
    match joined.len() > limit {
        true => Err(Error::limit("name_bytes", format!("a dotted name of {} bytes", joined.len()), limit)),
        false => Ok(joined),
    }
}

fn name_of(heap: &Heap, key: Value) -> Result<&str> {
    heap.str(key).ok_or_else(|| Error::malformed(format!("a module's part is named by {}", heap.describe(key))))
}

/// Refuses a dictionary with a key twice: the second would hide what the first holds.
fn check_keys(heap: &Heap, pairs: &[(Value, Value)]) -> Result<()> {
    let limit = heap.limits().name_bytes;
    let mut seen = HashSet::new();
    for key in pairs.iter().filter_map(|(key, _)| heap.bytes(*key)) {
        if key.len() > limit {
            return Err(Error::limit("name_bytes", format!("a key of {} bytes", key.len()), limit));
        }
        if !seen.insert(key) {
            return Err(Error::malformed(format!("a module has the key `{}` twice", shown(key))));
        }
    }
    Ok(())
}

/// The buffers that `state_dict()` leaves out.
fn transient<'a>(heap: &'a Heap, instance: &Instance) -> HashSet<&'a Bytes> {
    let set = heap.lookup(instance.state, "_non_persistent_buffers_set");
    let items = match set.and_then(|set| heap.get(set)) {
        Some(Object::Set(items) | Object::List(items)) => items.as_slice(),
        _ => &[],
    };
    let limit = heap.limits().name_bytes;
    items.iter().filter_map(|item| heap.bytes(*item)).filter(|name| name.len() <= limit).collect()
}

fn attribute(heap: &Heap, value: Value) -> Option<Attribute> {
    if let Some(plain) = plain(heap, value) {
        return Some(plain);
    }
    let items = heap.sequence(value).filter(|items| items.len() <= LIST)?;
    items.iter().map(|item| plain(heap, *item)).collect::<Option<_>>().map(Attribute::List)
}

fn plain(heap: &Heap, value: Value) -> Option<Attribute> {
    Some(match value {
        Value::None => Attribute::None,
        Value::Bool(value) => Attribute::Bool(value),
        Value::Int(value) => Attribute::Int(value),
        Value::Float(value) => Attribute::Float(value),
        Value::Ref(_) => Attribute::Text(heap.str(value).filter(|text| text.len() <= 256)?.to_owned()),
    })
}

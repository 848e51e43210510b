use super::modules::{self, Tally};
use super::tensors::{Seen, Storages};
use crate::pickle::{ArrayData, Heap, Instance, Object, Value};
use crate::shown::shown;
use crate::{Error, Group, Result, Unreadable};
use bytes::Bytes;
use std::collections::{HashMap, HashSet, VecDeque};

/// Every dictionary, list and object that can be reached from `root` and holds tensors, the nearest to the root first.
///
/// An object that can be reached on several ways is listed under the shortest. A module object is one group with all that
/// is below it.
///
/// Errs where a tensor contradicts its storage, a dictionary has a key twice (which would hide what the first one
/// holds), or nothing holds any tensor.
pub(in crate::formats) fn groups(heap: &Heap, root: Value, storages: &mut Storages) -> Result<Vec<Group>> {
    let groups = reachable(heap, root, storages)?;
    storages.check_all(heap)?;
    if groups.is_empty() {
        let error = Error::refused(format!("holds no tensors; at its root is {}", heap.describe(root)));
        return Err(match heap.get(root) {
            Some(Object::Instance(_)) => error.with_remedy(
                "saving model.state_dict() where its program is trusted and known: here nothing that a file names is called",
            ),
            _ => error.with_remedy("the file with the weights"),
        });
    }
    Ok(groups)
}

/// The same for one of several roots in a heap, which may hold nothing.
pub(in crate::formats) fn reachable(heap: &Heap, root: Value, storages: &mut Storages) -> Result<Vec<Group>> {
    let mut walk = Walk {
        heap,
        storages,
        nodes: vec![Node { parent: 0, depth: 0, step: None }],
        groups: Vec::new(),
        tally: Tally::default(),
    };
    let mut queue = VecDeque::from([(root, 0)]);
    let mut seen = HashSet::new();
    while let Some((value, node)) = queue.pop_front() {
        let Value::Ref(id) = value else { continue };
        if seen.insert(id) {
            walk.visit(value, node, &mut queue)?;
        }
    }
    Ok(walk.groups)
}

/// A way to an object: the step from its parent.
struct Node {
    parent: usize,
    depth: usize,
    step: Option<Step>,
}

/// A key of a dictionary, or a position in a list.
#[derive(Clone, PartialEq, Eq, Hash)]
enum Step {
    Key(Bytes),
    Index(i64),
    /// A key that is neither text nor integer, by its position.
    Odd(usize),
}

impl Step {
    fn of(heap: &Heap, key: Value, position: usize) -> Step {
        match (key, heap.bytes(key)) {
            (Value::Int(index), _) => Step::Index(index),
            (_, Some(key)) => Step::Key(key.clone()),
            _ => Step::Odd(position),
        }
    }

    fn name(&self) -> String {
        match self {
            Step::Key(key) => match std::str::from_utf8(key) {
                Ok(key) => key.to_owned(),
                Err(_) => shown(key),
            },
            Step::Index(index) => index.to_string(),
            Step::Odd(position) => format!("(key {position})"),
        }
    }
}

struct Walk<'a> {
    heap: &'a Heap,
    storages: &'a mut Storages,
    nodes: Vec<Node>,
    groups: Vec<Group>,
    tally: Tally,
}

impl Walk<'_> {
    fn visit(&mut self, value: Value, node: usize, queue: &mut VecDeque<(Value, usize)>) -> Result<()> {
        let heap = self.heap;
        let mut group = Group::default();
        match heap.get(value) {
            Some(Object::Dict(pairs)) => self.pairs(pairs.iter(), node, &mut group, queue)?,
            Some(Object::List(items) | Object::Set(items)) => self.items(items, node, &mut group, queue)?,
            Some(Object::Tuple(items)) => self.items(items, node, &mut group, queue)?,
            Some(Object::Array(array)) if let Some(ArrayData::Objects(list)) = array.data => {
                queue.push_front((list, node))
            }
            Some(Object::Instance(instance)) if modules::is_module(heap, instance) => {
                group = modules::group(heap, value, self.storages, &mut self.tally)?;
            }
            Some(Object::Instance(instance)) => {
                self.pairs(instance.pairs.iter().chain(attributes(heap, instance)), node, &mut group, queue)?;
                self.items(&instance.items, node, &mut group, queue)?;
            }
            // A tensor that nothing holds; others have been listed with their holders.
            _ if node == 0 => {
                self.place(value, "", &mut group)?;
            }
            _ => {}
        }
        let has_content = !group.tensors.is_empty() || !group.unreadable.is_empty() || !group.modules.is_empty();
        if has_content {
            group.key = self.key(node)?;
            check_names(&group).map_err(|error| error.at(self.place_of(node)))?;
            self.groups.push(group);
        }
        Ok(())
    }

    /// Takes the entries of a dictionary or the attributes of an object.
    fn pairs<'p>(
        &mut self,
        pairs: impl Iterator<Item = &'p (Value, Value)>,
        node: usize,
        group: &mut Group,
        queue: &mut VecDeque<(Value, usize)>,
    ) -> Result<()> {
        let limit = self.heap.limits().name_bytes;
        let mut seen = HashMap::new();
        for (position, (key, value)) in pairs.enumerate() {
            let step = Step::of(self.heap, *key, position);
            if let Step::Key(key) = &step
                && key.len() > limit
            {
                return Err(Error::limit("name_bytes", format!("a key of {} bytes", key.len()), limit));
            }
            if let Some(first) = seen.insert(step.clone(), *value) {
                // A dictionary that mirrors its entries as attributes has all of them twice, and hides nothing.
                if first == *value || !matches!((first, value), (Value::Ref(_), _) | (_, Value::Ref(_))) {
                    continue;
                }
                let message = format!("a dictionary has the key `{}` twice", shown(step.name().as_bytes()));
                return Err(Error::malformed(message).at(self.place_of(node)));
            }
            self.entry(step, *value, node, group, queue)?;
        }
        Ok(())
    }

    /// Takes the items of a list.
    fn items(
        &mut self,
        items: &[Value],
        node: usize,
        group: &mut Group,
        queue: &mut VecDeque<(Value, usize)>,
    ) -> Result<()> {
        (0..).zip(items).try_for_each(|(index, value)| self.entry(Step::Index(index), *value, node, group, queue))
    }

    fn entry(
        &mut self,
        step: Step,
        value: Value,
        node: usize,
        group: &mut Group,
        queue: &mut VecDeque<(Value, usize)>,
    ) -> Result<()> {
        let is_object = matches!(value, Value::Ref(_));
        if is_object && !self.place(value, &step.name(), group)? && is_container(self.heap, value) {
            let child = self.node(node, step)?;
            queue.push_back((value, child));
        }
        Ok(())
    }

    /// Puts `value` into the group if it is a tensor, and returns whether it is one.
    fn place(&mut self, value: Value, name: &str, group: &mut Group) -> Result<bool> {
        let seen = self.storages.see(self.heap, named_array(self.heap, value).unwrap_or(value));
        let mut unreadable = |reason| group.unreadable.push(Unreadable { name: name.into(), reason });
        match seen.map_err(|error| error.at(format!("tensor `{}`", shown(name.as_bytes()))))? {
            Seen::Tensor(tensor) => group.tensors.push((name.into(), tensor)),
            Seen::Unreadable(reason) => unreadable(reason),
            Seen::Nothing => match self.heap.get(value) {
                Some(Object::Instance(instance)) if hides_tensors(self.heap, instance) => {
                    let class = self.heap.class_name(instance.class);
                    unreadable(format!("made by `{class}`, which isn't called; try saving it as a plain tensor"));
                    return Ok(false);
                }
                _ => return Ok(false),
            },
        }
        self.tally.name(self.heap)?;
        Ok(true)
    }

    fn node(&mut self, parent: usize, step: Step) -> Result<usize> {
        let depth = self.nodes.get(parent).map_or(0, |node| node.depth).saturating_add(1);
        let limit = self.heap.limits().depth;
        if depth > limit {
            return Err(Error::limit("depth", "objects nested deeper", limit));
        }
        self.nodes.push(Node { parent, depth, step: Some(step) });
        Ok(self.nodes.len().saturating_sub(1))
    }

    /// A node in words.
    fn place_of(&self, node: usize) -> String {
        match self.key(node) {
            Ok(key) if key.is_empty() => "the root".into(),
            Ok(key) => format!("object `{}`", shown(key.as_bytes())),
            Err(_) => "an object far from the root".into(),
        }
    }

    /// The dotted path to a node.
    fn key(&self, mut node: usize) -> Result<String> {
        let limit = self.heap.limits().name_bytes;
        let (mut steps, mut length) = (Vec::new(), 0usize);
        while let Some(Node { parent, step: Some(step), .. }) = self.nodes.get(node) {
            let name = step.name();
            length = length.saturating_add(name.len()).saturating_add(1);
            if length > limit.saturating_add(1) {
                return Err(Error::limit("name_bytes", "a longer dotted path", limit));
            }
            steps.push(name);
            node = *parent;
        }
        steps.reverse();
        Ok(steps.join("."))
    }
}

/// Refuses a group in which two keys are written alike, as 0 and "0".
fn check_names(group: &Group) -> Result<()> {
    let mut seen = HashSet::new();
    let names = group.tensors.iter().map(|(name, _)| name).chain(group.unreadable.iter().map(|tensor| &tensor.name));
    match names.into_iter().find(|name| !seen.insert(name.as_str())) {
        Some(name) => Err(Error::malformed(format!("there are two tensors `{}`", shown(name.as_bytes())))),
        None => Ok(()),
    }
}

/// The attributes of an object: its state, or, where it has slots, both halves of it.
fn attributes<'a>(heap: &'a Heap, instance: &Instance) -> impl Iterator<Item = &'a (Value, Value)> {
    let halves = match heap.tuple(instance.state) {
        Some([dict, slots]) => [*dict, *slots],
        _ => [instance.state, Value::None],
    };
    halves.into_iter().filter_map(|half| heap.dict(half)).flatten()
}

fn is_container(heap: &Heap, value: Value) -> bool {
    match heap.get(value) {
        Some(Object::Dict(_) | Object::List(_) | Object::Tuple(_) | Object::Set(_) | Object::Instance(_)) => true,
        Some(Object::Array(array)) => matches!(array.data, Some(ArrayData::Objects(_))),
        _ => false,
    }
}

/// The array of a tuple of a name and an array, which is how PaddlePaddle pickles a tensor among other objects.
fn named_array(heap: &Heap, value: Value) -> Option<Value> {
    match heap.tuple(value) {
        Some([name, array]) if heap.str(*name).is_some() && matches!(heap.get(*array), Some(Object::Array(_))) => {
            Some(*array)
        }
        _ => None,
    }
}

/// Whether a call that isn't made was given tensors: its result may have been one.
fn hides_tensors(heap: &Heap, instance: &Instance) -> bool {
    let is_tensor = |value: &Value| {
        matches!(heap.get(*value), Some(Object::Tensor(_) | Object::Storage(_) | Object::Refused(_) | Object::Array(_)))
    };
    heap.tuple(instance.args).is_some_and(|args| args.iter().any(is_tensor))
}

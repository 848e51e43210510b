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
    let groups = walk.groups;
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
        match heap.get(value) {
            Some(Object::Dict(pairs)) => self.entries(pairs.iter().copied(), node, queue),
            Some(Object::List(items) | Object::Set(items)) => self.entries(numbered(items), node, queue),
            Some(Object::Tuple(items)) => self.entries(numbered(items), node, queue),
            Some(Object::Array(array)) => match array.data {
                Some(ArrayData::Objects(list)) => {
                    queue.push_front((list, node));
                    Ok(())
                }
                _ => self.lone(value, node),
            },
            Some(Object::Tensor(_) | Object::Refused(_)) => self.lone(value, node),
            Some(Object::Instance(instance)) if modules::is_module(heap, instance) => {
                let group = modules::group(heap, value, self.key(node)?, self.storages, &mut self.tally)?;
                self.keep(group);
                Ok(())
            }
            Some(Object::Instance(instance)) => {
                let pairs = instance.pairs.iter().chain(attributes(heap, instance)).copied();
                self.entries(pairs.chain(numbered(&instance.items)), node, queue)
            }
            _ => Ok(()),
        }
    }

    /// A tensor that nothing holds: the root itself.
    fn lone(&mut self, value: Value, node: usize) -> Result<()> {
        if node == 0 {
            let mut group = Group::default();
            self.place(value, "", &mut group)?;
            self.keep(group);
        }
        Ok(())
    }

    fn entries(
        &mut self,
        pairs: impl Iterator<Item = (Value, Value)>,
        node: usize,
        queue: &mut VecDeque<(Value, usize)>,
    ) -> Result<()> {
        let limit = self.heap.limits().name_bytes;
        let mut group = Group::default();
        let mut steps = HashMap::new();
        for (position, (key, value)) in pairs.enumerate() {
            let step = Step::of(self.heap, key, position);
            if let Step::Key(key) = &step
                && key.len() > limit
            {
                return Err(Error::limit("name_bytes", format!("a key of {} bytes", key.len()), limit));
            }
            if let Some(first) = steps.insert(step.clone(), value) {
                // A dictionary that mirrors its entries as attributes has all of them twice, and hides nothing.
                if first == value || !matches!((first, value), (Value::Ref(_), _) | (_, Value::Ref(_))) {
                    continue;
                }
                let message = format!("a dictionary has the key `{}` twice", shown(step.name().as_bytes()));
                let place = match self.key(node)?.as_str() {
                    "" => "the root".to_owned(),
                    key => format!("object `{}`", shown(key.as_bytes())),
                };
                return Err(Error::malformed(message).at(place));
            }
            if !matches!(value, Value::Ref(_)) {
                continue;
            }
            if !self.place(value, &step.name(), &mut group)? && is_container(self.heap, value) {
                let child = self.node(node, step)?;
                queue.push_back((value, child));
            }
        }
        if !group.tensors.is_empty() || !group.unreadable.is_empty() {
            group.key = self.key(node)?;
            self.keep(group);
        }
        Ok(())
    }

    /// Puts `value` into the group if it is a tensor, and returns whether it is one.
    fn place(&mut self, value: Value, name: &str, group: &mut Group) -> Result<bool> {
        let seen = self.storages.see(self.heap, value);
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

    fn keep(&mut self, group: Group) {
        self.groups.push(group);
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

fn numbered(items: &[Value]) -> impl Iterator<Item = (Value, Value)> {
    (0i64..).map(Value::Int).zip(items.iter().copied())
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

/// Whether a call that isn't made was given tensors: its result may have been one.
fn hides_tensors(heap: &Heap, instance: &Instance) -> bool {
    let is_tensor = |value: &Value| {
        matches!(heap.get(*value), Some(Object::Tensor(_) | Object::Storage(_) | Object::Refused(_) | Object::Array(_)))
    };
    heap.tuple(instance.args).is_some_and(|args| args.iter().any(is_tensor))
}

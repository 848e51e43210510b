use super::object::{Heap, Object, Value};
use crate::{Error, Group, Limits, Result, Unreadable};
use std::collections::HashSet;

/// The tensors of every table, by the path of keys that leads there; a tensor of its own is called `tensor`.
pub(crate) fn groups(heap: &Heap, root: &Value, limits: &Limits) -> Result<Vec<Group>> {
    if let Some(Object::Tensor(tensor)) = heap.get(root) {
        let mut group = Group::default();
        add(&mut group, "tensor".to_owned(), tensor);
        return Ok(vec![group]);
    }
    let mut groups = Vec::new();
    let mut tables: std::collections::VecDeque<(String, &Value)> = [(String::new(), root)].into();
    let mut seen = HashSet::new();
    let mut count = 0usize;
    while let Some((path, table)) = tables.pop_front() {
        let Value::Object(place) = table else { continue };
        let Some(Object::Table(entries)) = heap.get(table) else { continue };
        if !seen.insert(*place) {
            continue;
        }
        let mut group = Group { key: path.clone(), ..Group::default() };
        let mut keys = HashSet::new();
        for (key, value) in entries {
            let Some(key) = heap.key(key) else { continue };
            match heap.get(value) {
                Some(Object::Tensor(tensor)) => {
                    count = count.saturating_add(1);
                    if count > limits.tensors {
                        return Err(Error::limit("tensors", "one more tensor", limits.tensors));
                    }
                    if !keys.insert(key.clone()) {
                        return Err(Error::malformed(format!("a table has the key `{key}` twice")));
                    }
                    add(&mut group, key, tensor);
                }
                Some(Object::Table(_)) => {
                    let path = if path.is_empty() { key } else { format!("{path}.{key}") };
                    if path.len() > limits.name_bytes {
                        return Err(Error::limit("name_bytes", "a longer path of keys", limits.name_bytes));
                    }
                    tables.push_back((path, value));
                }
                _ => {}
            }
        }
        if !group.tensors.is_empty() || !group.unreadable.is_empty() {
            groups.push(group);
        }
    }
    Ok(groups)
}

fn add(group: &mut Group, name: String, tensor: &Result<alexnet_spec::Tensor, String>) {
    match tensor {
        Ok(tensor) => group.tensors.push((name, tensor.clone())),
        Err(reason) => group.unreadable.push(Unreadable { name, reason: reason.clone() }),
    }
}

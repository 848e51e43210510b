//! What "calling" a global makes. The known ones make values of ours; every other call isn't made, and stays an
//! [`Instance`](super::Instance) with its arguments.

use super::heap::{Heap, Object, Value};
use super::{array, rebuild, text};
use crate::{Error, Result};

/// The result of calling `class` with the tuple `args`, or of `class.__new__(class, *args)`.
///
/// Errs where the arguments of a known global aren't what it takes, or what is called can't be.
pub(super) fn call(heap: &mut Heap, class: Value, args: Value) -> Result<Value> {
    let Some(items) = heap.tuple(args) else {
        return Err(Error::malformed(format!("a call with {} as its arguments", heap.describe(args))));
    };
    let items = items.to_vec();
    heap.spend(items.len())?;
    let (module, name) = match heap.get(class) {
        Some(Object::Global { module, name }) => (module.clone(), name.clone()),
        Some(Object::Instance(_)) => return heap.make(Object::instance(class, args)),
        _ => return Err(Error::malformed(format!("a call of {}", heap.describe(class)))),
    };
    let (module, name) = (std::str::from_utf8(&module).unwrap_or("?"), std::str::from_utf8(&name).unwrap_or("?"));
    match (module, name) {
        ("collections", "OrderedDict") | ("builtins" | "__builtin__", "dict") => match items.as_slice() {
            [] => heap.make(Object::Dict(Vec::new())),
            [entries] => dict(heap, *entries),
            _ => Err(arity(heap, class, "at most 1 argument", items.len())),
        },
        ("collections", "defaultdict") => match items.as_slice() {
            [] | [_] => heap.make(Object::Dict(Vec::new())),
            [_, entries] => dict(heap, *entries),
            _ => Err(arity(heap, class, "at most 2 arguments", items.len())),
        },
        ("flax.core.frozen_dict", "FrozenDict") if let [entries] = items.as_slice() => dict(heap, *entries),
        ("builtins" | "__builtin__", "set" | "frozenset") => {
            collect(heap, class, &items).map(Object::Set).and_then(|s| heap.make(s))
        }
        ("builtins" | "__builtin__", "list") => {
            collect(heap, class, &items).map(Object::List).and_then(|s| heap.make(s))
        }
        ("builtins" | "__builtin__", "tuple") | ("torch", "Size") => {
            collect(heap, class, &items).map(|items| Object::Tuple(items.into())).and_then(|tuple| heap.make(tuple))
        }
        ("builtins" | "__builtin__", "bytearray") if matches!(items.as_slice(), [_, _]) => encode(heap, class, &items),
        ("builtins" | "__builtin__", "bytearray" | "bytes") => match items.as_slice() {
            [] => heap.make(Object::Raw(Default::default())),
            [only] if heap.bytes(*only).is_some() => Ok(*only),
            _ => heap.make(Object::instance(class, args)),
        },
        ("_codecs", "encode") => encode(heap, class, &items),
        ("copyreg" | "copy_reg", "__newobj__") => match items.split_first() {
            Some((class, rest)) => {
                let rest = heap.make(Object::Tuple(rest.into()))?;
                // `__newobj__` of itself would nest calls as deep as the file likes.
                match heap.global(*class) {
                    Some((_, "__newobj__" | "_reconstructor")) | None => heap.make(Object::instance(*class, rest)),
                    Some(_) => call(heap, *class, rest),
                }
            }
            None => Err(arity(heap, class, "a class", 0)),
        },
        ("copyreg" | "copy_reg", "_reconstructor") => match items.as_slice() {
            [class, _, _] => heap.make(Object::instance(*class, args)),
            _ => Err(arity(heap, class, "3 arguments", items.len())),
        },
        _ => match array::call(heap, class, (module, name), &items)? {
            Some(made) => Ok(made),
            None => match rebuild::call(heap, class, (module, name), &items)? {
                Some(made) => Ok(made),
                None => heap.make(Object::instance(class, args)),
            },
        },
    }
}

/// The result of calling `class` with keyword arguments too: nothing that is known takes any.
pub(super) fn call_with_keywords(heap: &mut Heap, class: Value, args: Value, keywords: Value) -> Result<Value> {
    match heap.dict(keywords) {
        Some([]) => call(heap, class, args),
        _ if heap.tuple(args).is_none() => {
            Err(Error::malformed(format!("a call with {} as its arguments", heap.describe(args))))
        }
        _ => heap.make(Object::instance(class, args)),
    }
}

/// The error of a known global with a wrong number of arguments.
pub(super) fn arity(heap: &Heap, class: Value, takes: &str, seen: usize) -> Error {
    Error::malformed(format!("`{}` takes {takes}, but has {seen}", heap.class_name(class)))
}

/// A dictionary of the entries of another, or of a list of pairs, as Python 2 writes an `OrderedDict`.
fn dict(heap: &mut Heap, entries: Value) -> Result<Value> {
    let pairs = match heap.get(entries) {
        Some(Object::Dict(pairs)) => Some(pairs.clone()),
        Some(Object::List(items)) => items
            .iter()
            .map(|item| match heap.sequence(*item) {
                Some([key, value]) => Some((*key, *value)),
                _ => None,
            })
            .collect(),
        _ => None,
    };
    let Some(pairs) = pairs else {
        return Err(Error::malformed(format!("a dictionary made from {}", heap.describe(entries))));
    };
    heap.spend(pairs.len())?;
    heap.make(Object::Dict(pairs))
}

/// The items of the list, tuple or set that is the only argument, if any.
fn collect(heap: &mut Heap, class: Value, items: &[Value]) -> Result<Vec<Value>> {
    let collected = match items {
        [] => Vec::new(),
        [only] => match heap.get(*only) {
            Some(Object::List(items) | Object::Set(items)) => items.clone(),
            Some(Object::Tuple(items)) => items.to_vec(),
            _ => {
                let made = heap.class_name(class);
                return Err(Error::malformed(format!("`{made}` made from {}", heap.describe(*only))));
            }
        },
        _ => return Err(arity(heap, class, "at most 1 argument", items.len())),
    };
    heap.spend(collected.len())?;
    Ok(collected)
}

/// `_codecs.encode(text, "latin1")`. The same text is encoded once, however often it is asked for.
fn encode(heap: &mut Heap, class: Value, items: &[Value]) -> Result<Value> {
    let [text, encoding] = items else { return Err(arity(heap, class, "2 arguments", items.len())) };
    if !matches!(heap.str(*encoding), Some("latin1" | "latin-1")) {
        let args = heap.make(Object::Tuple(items.into()))?;
        return heap.make(Object::instance(class, args));
    }
    let Value::Ref(id) = *text else { return Err(Error::malformed("what is encoded is no text")) };
    if let Some(made) = heap.encoded().get(&id) {
        return Ok(*made);
    }
    let bytes = heap.str(*text).map(text::latin1).ok_or_else(|| Error::malformed("what is encoded is no text"))??;
    let made = heap.make(Object::Raw(bytes))?;
    heap.encoded().insert(id, made);
    Ok(made)
}

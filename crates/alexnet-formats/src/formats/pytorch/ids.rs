use crate::pickle::{Element, Heap, Held, Object, Storage, Value};
use crate::{Error, Result};
use bytes::Bytes;

/// What a persistent id of PyTorch stands for: `('storage', class, key, location, elements[, view])`, or, from the days when
/// a module was saved with its source, `('module', class, file, source)`, which is just the class.
pub(in crate::formats) fn persistent_id(heap: &mut Heap, id: Value) -> Result<Value> {
    let items = heap.tuple(id).unwrap_or_default();
    let kind = items.first().and_then(|kind| heap.str(*kind));
    let storage = match (kind, items) {
        (Some("module"), [_, class, _, _]) => return Ok(*class),
        (Some("storage"), [_, class, key, _, elements]) => storage(heap, *class, *key, *elements, Value::None)?,
        (Some("storage"), [_, class, key, _, elements, view]) => storage(heap, *class, *key, *elements, *view)?,
        _ => {
            return Err(Error::malformed(format!(
                "a reference to something outside the pickle by {}",
                heap.describe(id)
            )));
        }
    };
    heap.make(Object::Storage(Box::new(storage)))
}

fn storage(heap: &Heap, class: Value, key: Value, elements: Value, view: Value) -> Result<Storage> {
    let element = heap.global(class).and_then(|(module, name)| Element::of_class(module, name));
    let element =
        element.ok_or_else(|| Error::refused(format!("a storage of {}, which isn't known", heap.describe(class))))?;
    let key = storage_key(heap, key)
        .ok_or_else(|| Error::malformed(format!("a storage whose key is {}", heap.describe(key))))?;
    let view = match (view, heap.tuple(view)) {
        (Value::None, _) => None,
        (_, Some([_, first, count])) => Some((count_of(heap, *first)?, count_of(heap, *count)?)),
        _ => return Err(Error::malformed(format!("a storage that is a view by {}", heap.describe(view)))),
    };
    Ok(Storage { element, held: Held::Under(key), elements: count_of(heap, elements)?, view })
}

fn count_of(heap: &Heap, value: Value) -> Result<u64> {
    match value {
        Value::Int(count) => u64::try_from(count).ok(),
        _ => None,
    }
    .ok_or_else(|| Error::malformed(format!("a storage's size or place is {}, not a count", heap.describe(value))))
}

/// A storage's key as text; old tars have numbers.
pub(in crate::formats) fn storage_key(heap: &Heap, key: Value) -> Option<Bytes> {
    match key {
        Value::Int(number) => Some(number.to_string().into()),
        _ => heap.str(key).is_some().then(|| heap.bytes(key).cloned())?,
    }
}

/// The keys of all storages that the pickle refers to, in the order of their first mention.
pub(in crate::formats) fn storage_keys(heap: &Heap) -> Vec<Bytes> {
    let mut seen = std::collections::HashSet::new();
    let keys = heap.iter().filter_map(|(_, object)| match object {
        Object::Storage(storage) => match &storage.held {
            Held::Under(key) => Some(key.clone()),
            Held::Here(_) => None,
        },
        _ => None,
    });
    keys.filter(|key| seen.insert(key.clone())).collect()
}

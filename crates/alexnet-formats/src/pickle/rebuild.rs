//! Tensors as PyTorch pickles them: `torch._utils._rebuild_*`, parameters, and the states of old tensor objects.

use super::heap::{Heap, Object, Value};
use super::reduce::arity;
use super::storage::{Element, Storage};
use crate::{Error, Result};

/// A tensor as its pickle describes it. Nothing of it has been held against the storage yet.
#[derive(Clone, Debug)]
pub(crate) struct TensorParts {
    pub storage: Storage,
    /// What the elements are, where it isn't what the storage says.
    pub element: Option<Element>,
    /// Of the first element, in elements.
    pub offset: i64,
    pub size: Vec<i64>,
    /// In elements.
    pub stride: Vec<i64>,
}

/// What the global `module.name` makes of `args` if it has to do with tensors; `None` where it hasn't.
pub(super) fn call(
    heap: &mut Heap,
    class: Value,
    (module, name): (&str, &str),
    args: &[Value],
) -> Result<Option<Value>> {
    let made = match (module, name) {
        ("torch._utils", "_rebuild_tensor") => match args {
            [storage, offset, size, stride] => tensor(heap, *storage, *offset, *size, *stride, None)?,
            _ => return Err(arity(heap, class, "4 arguments", args.len())),
        },
        ("torch._utils", "_rebuild_tensor_v2") => match args {
            [_, _, _, _, _, _, metadata] if pending(heap, *metadata).is_some() => refused_view(heap, *metadata)?,
            [storage, offset, size, stride, _, _] | [storage, offset, size, stride, _, _, _] => {
                tensor(heap, *storage, *offset, *size, *stride, None)?
            }
            _ => return Err(arity(heap, class, "6 or 7 arguments", args.len())),
        },
        ("torch._utils", "_rebuild_tensor_v3") => match args {
            [_, _, _, _, _, _, _, metadata] if pending(heap, *metadata).is_some() => refused_view(heap, *metadata)?,
            [storage, offset, size, stride, _, _, dtype] | [storage, offset, size, stride, _, _, dtype, _] => {
                let element = dtype_of(heap, *dtype)?;
                tensor(heap, *storage, *offset, *size, *stride, Some(element))?
            }
            _ => return Err(arity(heap, class, "7 or 8 arguments", args.len())),
        },
        ("torch._utils", "_rebuild_parameter") => match args {
            [data, _, _] => tensor_itself(heap, class, *data)?,
            _ => return Err(arity(heap, class, "3 arguments", args.len())),
        },
        ("torch._utils", "_rebuild_parameter_with_state") => match args {
            [data, _, _, _] => tensor_itself(heap, class, *data)?,
            _ => return Err(arity(heap, class, "4 arguments", args.len())),
        },
        ("torch.nn.parameter" | "torch.nn", "Parameter" | "Buffer")
        | ("torch.autograd.variable" | "torch.autograd", "Variable") => {
            match args {
                // An old one, whose tensor comes with its state.
                [] => return Ok(None),
                [data, ..] => tensor_itself(heap, class, *data)?,
            }
        }
        ("torch._tensor" | "torch.tensor", "_rebuild_from_type" | "_rebuild_from_type_v2") => match args {
            [function, _, inner, _] => from_type(heap, *function, *inner)?,
            _ => return Err(arity(heap, class, "4 arguments", args.len())),
        },
        ("torch.storage", "_load_from_bytes") => match args {
            [bytes] => match heap.bytes(*bytes) {
                Some(bytes) => heap.read_nested(bytes.clone())?,
                None => {
                    return Err(Error::malformed(format!("a file within a pickle that is {}", heap.describe(*bytes))));
                }
            },
            _ => return Err(arity(heap, class, "1 argument", args.len())),
        },
        ("torch.jit._pickle", "build_intlist" | "build_doublelist" | "build_boollist" | "build_tensorlist") => {
            match args {
                [list] => *list,
                _ => return Err(arity(heap, class, "1 argument", args.len())),
            }
        }
        ("torch.jit._pickle", "restore_type_tag") => match args {
            [value, _] => *value,
            _ => return Err(arity(heap, class, "2 arguments", args.len())),
        },
        _ => match refusal(module, name) {
            Some(reason) => heap.make(Object::Refused(reason))?,
            None => return Ok(None),
        },
    };
    Ok(Some(made))
}

/// What a tensor's metadata say is still to be done to each of its elements, as in views of complex conjugates.
fn pending(heap: &Heap, metadata: Value) -> Option<&'static str> {
    let set = |name| heap.lookup(metadata, name) == Some(Value::Bool(true));
    ["neg", "conj"].into_iter().find(|name| set(name))
}

/// The bytes of a view with a pending operation aren't its values.
fn refused_view(heap: &mut Heap, metadata: Value) -> Result<Value> {
    let bit = pending(heap, metadata).unwrap_or_default();
    let what = format!("a view whose `{bit}` bit is set, so that its bytes aren't its values");
    heap.make(Object::Refused(format!("{what}; try saving it after .resolve_{bit}()")))
}

/// Why what `module.name` makes isn't converted, where it is a tensor.
fn refusal(module: &str, name: &str) -> Option<String> {
    if !module.starts_with("torch.") || !name.starts_with("_rebuild") {
        return None;
    }
    let (what, remedy) = match name {
        "_rebuild_qtensor" => ("quantised", "saving it after .dequantize()"),
        "_rebuild_sparse_tensor" | "_rebuild_sparse_csr_tensor" => ("sparse", "saving it after .to_dense()"),
        "_rebuild_nested_tensor" => ("nested", "saving its parts one by one"),
        "_rebuild_meta_tensor_no_storage" => {
            ("on the meta device and has no values", "saving the model after loading its weights")
        }
        "_rebuild_wrapper_subclass" => {
            ("of a wrapper subclass, without values of its own", "saving the plain tensor in it")
        }
        _ => {
            return Some(format!(
                "rebuilt by `{module}.{name}`, which isn't known; try saving it as a plain tensor on the CPU"
            ));
        }
    };
    Some(format!("{what}; try {remedy}"))
}

/// The plain tensor under one of a subclass.
fn from_type(heap: &mut Heap, function: Value, args: Value) -> Result<Value> {
    let Some(items) = heap.tuple(args) else {
        return Err(Error::malformed(format!("a call with {} as its arguments", heap.describe(args))));
    };
    let items = items.to_vec();
    heap.spend(items.len())?;
    let Some((module, name)) = heap.global(function).map(|(module, name)| (module.to_owned(), name.to_owned())) else {
        return Err(Error::malformed(format!("a tensor rebuilt by {}", heap.describe(function))));
    };
    let made = match name.starts_with("_rebuild_from_type") {
        // PyTorch never nests them; a file might, as deep as it likes.
        true => None,
        false => call(heap, function, (&module, &name), &items)?,
    };
    match made {
        Some(made) => Ok(made),
        None => {
            let name = heap.class_name(function);
            heap.make(Object::Refused(format!(
                "rebuilt by `{name}`, which isn't known; try saving it as a plain tensor"
            )))
        }
    }
}

/// Checks that a parameter's data is a tensor: `class` hands it on as it is.
fn tensor_itself(heap: &Heap, class: Value, data: Value) -> Result<Value> {
    match heap.get(data) {
        Some(Object::Tensor(_) | Object::Refused(_)) => Ok(data),
        // A tensor of a class that isn't known: whoever needs it says so.
        Some(Object::Instance(_)) => Ok(data),
        _ => Err(Error::malformed(format!("`{}` made from {}", heap.class_name(class), heap.describe(data)))),
    }
}

fn tensor(
    heap: &mut Heap,
    storage: Value,
    offset: Value,
    size: Value,
    stride: Value,
    element: Option<Element>,
) -> Result<Value> {
    let parts = parts(heap, storage, offset, size, stride, element)?;
    heap.make(Object::Tensor(Box::new(parts)))
}

fn parts(
    heap: &Heap,
    storage: Value,
    offset: Value,
    size: Value,
    stride: Value,
    element: Option<Element>,
) -> Result<TensorParts> {
    let storage = match heap.get(storage) {
        Some(Object::Storage(storage)) => storage.as_ref().clone(),
        _ => return Err(Error::malformed(format!("a tensor with {} for its storage", heap.describe(storage)))),
    };
    let Value::Int(offset) = offset else {
        return Err(Error::malformed(format!("a tensor with {} for its offset", heap.describe(offset))));
    };
    let (size, stride) = (numbers(heap, size, "sizes")?, numbers(heap, stride, "strides")?);
    if size.len() != stride.len() {
        return Err(Error::malformed(format!("a tensor with {} sizes but {} strides", size.len(), stride.len())));
    }
    Ok(TensorParts { storage, element, offset, size, stride })
}

fn numbers(heap: &Heap, value: Value, what: &str) -> Result<Vec<i64>> {
    let limit = heap.limits().dimensions;
    let items =
        heap.sequence(value).ok_or_else(|| Error::malformed(format!("{what} that are {}", heap.describe(value))))?;
    if items.len() > limit {
        return Err(Error::limit("dimensions", format!("a tensor of {} dimensions", items.len()), limit));
    }
    let numbers = items.iter().map(|item| match item {
        Value::Int(number) => Ok(*number),
        other => Err(Error::malformed(format!("{} among a tensor's {what}", heap.describe(*other)))),
    });
    numbers.collect()
}

fn dtype_of(heap: &Heap, value: Value) -> Result<Element> {
    match heap.global(value) {
        Some(("torch", name)) => Element::of_dtype(name),
        _ => None,
    }
    .ok_or_else(|| Error::refused(format!("a tensor of type {}, which isn't known", heap.describe(value))))
}

/// Gives a tensor its attributes, which nothing here needs, or, in very old files, its whole content.
pub(super) fn build_tensor(heap: &mut Heap, target: Value, state: Value) -> Result<()> {
    let new = match (heap.get(state), heap.tuple(state)) {
        (_, Some([storage, offset, size, stride])) if matches!(heap.get(*storage), Some(Object::Storage(_))) => {
            Some(parts(heap, *storage, *offset, *size, *stride, None)?)
        }
        (_, Some([data, _, _, _, _])) => match heap.get(*data) {
            Some(Object::Tensor(parts)) => Some(parts.as_ref().clone()),
            _ => None,
        },
        (Some(Object::Dict(_) | Object::Tuple(_)), _) | (None, _) => None,
        _ => return Err(Error::malformed(format!("a tensor is given {} for its state", heap.describe(state)))),
    };
    if let (Some(new), Some(Object::Tensor(parts))) = (new, heap.get_mut(target)) {
        **parts = new;
    }
    Ok(())
}

/// Turns an object of a tensor's or parameter's class that was made empty into the tensor that its state describes, as
/// `Tensor.__setstate__` and `Variable.__setstate__` do with old files. `false`: it is no such object.
pub(super) fn build_instance(heap: &mut Heap, target: Value, class: Value, state: Value) -> Result<bool> {
    let Some((module, name)) = heap.global(class) else { return Ok(false) };
    let is_tensor = name.ends_with("Tensor")
        && (Element::of_class(module, name).is_some() || (module, name) == ("torch", "Tensor"));
    let is_parameter = matches!(name, "Parameter" | "Variable") && module.starts_with("torch.");
    if !is_tensor && !is_parameter {
        return Ok(false);
    }
    let parts = match heap.tuple(state) {
        Some([storage, offset, size, stride]) if is_tensor => parts(heap, *storage, *offset, *size, *stride, None)?,
        Some([data, _, _, _, _]) => match heap.get(*data) {
            Some(Object::Tensor(parts)) => parts.as_ref().clone(),
            _ => return Err(Error::malformed(format!("a parameter made from {}", heap.describe(*data)))),
        },
        _ => return Err(Error::malformed(format!("a tensor is given {} for its state", heap.describe(state)))),
    };
    if let Some(object) = heap.get_mut(target) {
        *object = Object::Tensor(Box::new(parts));
    }
    Ok(true)
}

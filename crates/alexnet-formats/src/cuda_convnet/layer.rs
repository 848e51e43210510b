use crate::pickle::{Heap, Object, Value};
use crate::shown::shown;
use crate::{Error, Result};
use std::collections::HashMap;

/// The largest count that a layer may state: a guard against nonsense, far above any layer.
const MAX_COUNT: i64 = 1 << 24;

/// One layer's dictionary.
#[derive(Debug)]
pub(crate) struct Layer<'h> {
    pub name: String,
    /// `conv`, `pool`, `cost.logreg`, ...
    pub kind: &'h str,
    /// The layers that it reads, by their positions in the model.
    pub inputs: Vec<usize>,
    heap: &'h Heap,
    fields: HashMap<&'h str, Value>,
}

impl<'h> Layer<'h> {
    /// The layer in `dict`, its inputs yet to be found; `None` where it is no dictionary with a name and a type.
    ///
    /// Errs where it has a key twice, or a name that can't be one.
    pub fn new(heap: &'h Heap, dict: Value) -> Result<Option<Layer<'h>>> {
        let mut fields = HashMap::new();
        for (key, value) in heap.dict(dict).unwrap_or_default() {
            let Some(key) = heap.str(*key) else { continue };
            if fields.insert(key, *value).is_some() {
                return Err(Error::malformed(format!("a layer has the key `{}` twice", shown(key.as_bytes()))));
            }
        }
        let text = |key: &str| fields.get(key).and_then(|value| heap.str(*value));
        let (Some(name), Some(kind)) = (text("name"), text("type")) else { return Ok(None) };
        let limit = heap.limits().name_bytes;
        if name.len() > limit {
            return Err(Error::limit("name_bytes", format!("a layer's name of {} bytes", name.len()), limit));
        }
        if name.is_empty() || name.chars().any(char::is_control) {
            return Err(Error::malformed(format!("`{}` is no name of a layer", shown(name.as_bytes()))));
        }
        Ok(Some(Layer { name: name.to_owned(), kind, inputs: Vec::new(), heap, fields }))
    }

    /// Whether there is an entry under `key`.
    pub fn has(&self, key: &str) -> bool {
        self.fields.contains_key(key)
    }

    /// The entry under `key`, where it is there and isn't `None`.
    pub fn get(&self, key: &str) -> Option<Value> {
        self.fields.get(key).copied().filter(|value| *value != Value::None)
    }

    /// The text under `key`.
    pub fn text(&self, key: &str) -> Result<&'h str> {
        let text = self.get(key).and_then(|value| self.heap.str(value));
        text.ok_or_else(|| self.wrong(key, "a text"))
    }

    /// A number that counts something: at least 1.
    pub fn count(&self, key: &str) -> Result<usize> {
        self.get(key).and_then(|value| self.to_count(value)).ok_or_else(|| self.wrong(key, "a number of at least 1"))
    }

    /// The same for input `index`, of which `key` has a list with one number each.
    pub fn count_of(&self, key: &str, index: usize) -> Result<usize> {
        self.item(key, index)
            .and_then(|value| self.to_count(value))
            .ok_or_else(|| self.wrong(key, "a number of at least 1 for each input"))
    }

    /// An integer of any sign for input `index`.
    pub fn integer_of(&self, key: &str, index: usize) -> Result<i64> {
        let value = self.item(key, index).and_then(|value| self.to_integer(value));
        value.ok_or_else(|| self.wrong(key, "an integer for each input"))
    }

    /// An integer of any sign; 0 where there is none.
    pub fn integer_or_zero(&self, key: &str) -> Result<i64> {
        match self.get(key) {
            None => Ok(0),
            Some(value) => self.to_integer(value).ok_or_else(|| self.wrong(key, "an integer")),
        }
    }

    /// A finite number.
    pub fn number(&self, key: &str) -> Result<f64> {
        self.number_or(key, None)
    }

    /// A finite number, or `default` where there is none.
    pub fn number_or(&self, key: &str, default: impl Into<Option<f64>>) -> Result<f64> {
        let number = match self.get(key) {
            None => default.into(),
            Some(value) => to_number(self.heap, value),
        };
        number.filter(|number| number.is_finite()).ok_or_else(|| self.wrong(key, "a number"))
    }

    /// Whether the flag `key`, or that of any input where it is a list, is set; `default` where there is none.
    pub fn flag(&self, key: &str, default: bool) -> Result<bool> {
        let Some(value) = self.get(key) else { return Ok(default) };
        let items = self.heap.sequence(value).unwrap_or(std::slice::from_ref(&value));
        let set = |item: &Value| self.to_integer(*item).map(|flag| flag != 0);
        let flags: Option<Vec<bool>> = items.iter().map(set).collect();
        flags.map(|flags| flags.contains(&true)).ok_or_else(|| self.wrong(key, "true or false"))
    }

    /// The items of the list or tuple under `key`.
    pub fn list(&self, key: &str) -> Result<&'h [Value]> {
        let items = self.get(key).and_then(|value| self.heap.sequence(value));
        items.ok_or_else(|| self.wrong(key, "a list"))
    }

    /// Where messages say that something happened.
    pub fn place(&self) -> String {
        format!("layer `{}`", shown(self.name.as_bytes()))
    }

    /// The heap that its values lie in.
    pub fn heap(&self) -> &'h Heap {
        self.heap
    }

    /// The error of an entry that isn't `what` it should be.
    pub fn wrong(&self, key: &str, what: &str) -> Error {
        let found = self.fields.get(key).map_or_else(|| "nothing".to_owned(), |value| self.heap.describe(*value));
        Error::malformed(format!("its `{key}` should be {what}, but is {found}"))
    }

    /// What `key` says of input `index`: its item of a list, or the one value that stands for all.
    fn item(&self, key: &str, index: usize) -> Option<Value> {
        let value = self.get(key)?;
        match self.heap.sequence(value) {
            Some(items) => items.get(index).copied(),
            None => Some(value),
        }
    }

    fn to_count(&self, value: Value) -> Option<usize> {
        self.to_integer(value).filter(|count| (1..=MAX_COUNT).contains(count)).and_then(|count| count.try_into().ok())
    }

    fn to_integer(&self, value: Value) -> Option<i64> {
        match to_number(self.heap, value)? {
            number if number.fract() == 0.0 && number.abs() <= MAX_COUNT as f64 => Some(number as i64),
            _ => None,
        }
    }
}

/// A number of Python's or a scalar of NumPy's.
pub(super) fn to_number(heap: &Heap, value: Value) -> Option<f64> {
    match value {
        Value::Bool(flag) => Some(f64::from(u8::from(flag))),
        Value::Int(integer) => Some(integer as f64),
        Value::Float(number) => Some(number),
        _ => scalar(heap, value),
    }
}

/// `numpy.core.multiarray.scalar(type, bytes)`.
fn scalar(heap: &Heap, value: Value) -> Option<f64> {
    let Some(Object::Instance(instance)) = heap.get(value) else { return None };
    let ("numpy.core.multiarray" | "numpy._core.multiarray", "scalar") = heap.global(instance.class)? else {
        return None;
    };
    let [kind, data] = heap.tuple(instance.args)? else { return None };
    let Some(Object::ArrayType(kind)) = heap.get(*kind) else { return None };
    let mut bytes = heap.bytes(*data)?.to_vec();
    if kind.big_endian {
        bytes.reverse();
    }
    let element = kind.element?;
    use crate::pickle::Element::Plain;
    use alexnet_spec::DType;
    match element {
        Plain(DType::F64) => Some(f64::from_le_bytes(bytes.try_into().ok()?)),
        Plain(DType::F32) => Some(f32::from_le_bytes(bytes.try_into().ok()?).into()),
        Plain(DType::I64) => Some(i64::from_le_bytes(bytes.try_into().ok()?) as f64),
        Plain(DType::I32) => Some(i32::from_le_bytes(bytes.try_into().ok()?).into()),
        Plain(DType::Bool | DType::U8) => bytes.first().map(|byte| f64::from(*byte)),
        _ => None,
    }
}

use super::array::{Array, ArrayType};
use super::rebuild::TensorParts;
use super::storage::Storage;
use crate::shown::shown;
use crate::{Error, Limits, Result};
use bytes::Bytes;
use std::collections::HashMap;

/// Where an object lies in its [`Heap`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Id(u32);

/// A Python value: small ones as they are, all others by reference.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Value {
    None,
    Bool(bool),
    Int(i64),
    Float(f64),
    Ref(Id),
}

/// An object of a pickle.
#[derive(Debug)]
pub(crate) enum Object {
    /// A `str`; checked to be UTF-8.
    Text(Bytes),
    /// `bytes`, a `bytearray`, or Python 2's `str`, which is either text or not.
    Raw(Bytes),
    /// An integer of more than 64 bits, in two's complement, little-endian.
    Long(Bytes),
    Tuple(Box<[Value]>),
    List(Vec<Value>),
    /// In the file's order; a key may stand twice.
    Dict(Vec<(Value, Value)>),
    Set(Vec<Value>),
    /// A class or function by module and name, both checked to be UTF-8 without control characters.
    Global {
        module: Bytes,
        name: Bytes,
    },
    Instance(Box<Instance>),
    Storage(Box<Storage>),
    Tensor(Box<TensorParts>),
    /// A tensor that isn't converted, and why.
    Refused(String),
    ArrayType(ArrayType),
    Array(Box<Array>),
}

/// An object of a class that isn't known, or the result of a call that isn't made.
#[derive(Debug)]
pub(crate) struct Instance {
    pub class: Value,
    pub args: Value,
    /// What `BUILD` brought, usually a dictionary of attributes.
    pub state: Value,
    /// The entries of a subclass of `dict`.
    pub pairs: Vec<(Value, Value)>,
    /// The items of a subclass of `list` or `set`.
    pub items: Vec<Value>,
}

impl Object {
    /// An object of `class` that was made from `args`.
    pub fn instance(class: Value, args: Value) -> Object {
        Object::Instance(Box::new(Instance { class, args, state: Value::None, pairs: Vec::new(), items: Vec::new() }))
    }
}

/// All objects of a file's pickles, and what is left of the budget for making more.
#[derive(Debug)]
pub(crate) struct Heap {
    objects: Vec<Object>,
    /// Instructions so far, and elements copied by them.
    steps: usize,
    limits: Limits,
    /// What `_codecs.encode` made of a text, so that no text is encoded twice.
    encoded: HashMap<Id, Value>,
    nested: Option<Nested>,
}

/// Reads a file within a pickle, as `torch.storage._load_from_bytes` does, and returns the storage that it holds.
pub(crate) type Nested = fn(&mut Heap, Bytes) -> Result<Value>;

impl Heap {
    pub fn new(limits: &Limits) -> Heap {
        Heap { objects: Vec::new(), steps: 0, limits: limits.clone(), encoded: HashMap::new(), nested: None }
    }

    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Counts `count` instructions or copied elements.
    pub fn spend(&mut self, count: usize) -> Result<()> {
        self.steps = self.steps.saturating_add(count);
        match self.steps > self.limits.opcodes {
            true => Err(Error::limit("opcodes", "a longer program", self.limits.opcodes)),
            false => Ok(()),
        }
    }

    /// Keeps `object` and returns the reference to it.
    pub fn make(&mut self, object: Object) -> Result<Value> {
        let id = u32::try_from(self.objects.len()).ok().filter(|_| self.objects.len() < self.limits.objects);
        let id = id.ok_or_else(|| Error::limit("objects", "one more object", self.limits.objects))?;
        self.objects.push(object);
        Ok(Value::Ref(Id(id)))
    }

    pub fn get(&self, value: Value) -> Option<&Object> {
        match value {
            Value::Ref(Id(id)) => self.objects.get(id as usize),
            _ => None,
        }
    }

    pub fn get_mut(&mut self, value: Value) -> Option<&mut Object> {
        match value {
            Value::Ref(Id(id)) => self.objects.get_mut(id as usize),
            _ => None,
        }
    }

    /// Every object with the reference to it, in the order of their making.
    pub fn iter(&self) -> impl Iterator<Item = (Value, &Object)> {
        (0..).map(|id| Value::Ref(Id(id))).zip(&self.objects)
    }

    /// The bytes of a string, be it text or not.
    pub fn bytes(&self, value: Value) -> Option<&Bytes> {
        match self.get(value)? {
            Object::Text(bytes) | Object::Raw(bytes) => Some(bytes),
            _ => None,
        }
    }

    /// A string that is text.
    pub fn str(&self, value: Value) -> Option<&str> {
        std::str::from_utf8(self.bytes(value)?).ok()
    }

    pub fn tuple(&self, value: Value) -> Option<&[Value]> {
        match self.get(value)? {
            Object::Tuple(items) => Some(items),
            _ => None,
        }
    }

    /// The items of a tuple or a list.
    pub fn sequence(&self, value: Value) -> Option<&[Value]> {
        match self.get(value)? {
            Object::Tuple(items) => Some(items),
            Object::List(items) => Some(items),
            _ => None,
        }
    }

    pub fn dict(&self, value: Value) -> Option<&[(Value, Value)]> {
        match self.get(value)? {
            Object::Dict(pairs) => Some(pairs),
            _ => None,
        }
    }

    /// The last entry of a dictionary under the text `key`.
    pub fn lookup(&self, dict: Value, key: &str) -> Option<Value> {
        let pairs = self.dict(dict)?;
        pairs.iter().rev().find(|(k, _)| self.bytes(*k).is_some_and(|k| k == key.as_bytes())).map(|(_, value)| *value)
    }

    /// A global's module and name.
    pub fn global(&self, value: Value) -> Option<(&str, &str)> {
        match self.get(value)? {
            Object::Global { module, name } => {
                Some((std::str::from_utf8(module).ok()?, std::str::from_utf8(name).ok()?))
            }
            _ => None,
        }
    }

    /// Lets files within this heap's pickles be read by `nested`.
    pub fn with_nested(mut self, nested: Nested) -> Heap {
        self.nested = Some(nested);
        self
    }

    /// Reads a file within a pickle, one level deep.
    pub fn read_nested(&mut self, bytes: Bytes) -> Result<Value> {
        let Some(nested) = self.nested.take() else {
            return Err(Error::refused("a file within a pickle, where none belongs"));
        };
        let value = nested(self, bytes).map_err(|error| error.at("the file within"));
        self.nested = Some(nested);
        value
    }

    /// How many objects there are.
    pub fn len(&self) -> usize {
        self.objects.len()
    }

    /// The storages made since there were `start` objects.
    pub fn storages_since(&mut self, start: usize) -> impl Iterator<Item = &mut Storage> {
        self.objects.iter_mut().skip(start).filter_map(|object| match object {
            Object::Storage(storage) => Some(storage.as_mut()),
            _ => None,
        })
    }

    /// What a text was encoded to before.
    pub fn encoded(&mut self) -> &mut HashMap<Id, Value> {
        &mut self.encoded
    }

    /// What a value is, in a few words for a message.
    pub fn describe(&self, value: Value) -> String {
        let object = match value {
            Value::None => return "None".into(),
            Value::Bool(_) => return "a bool".into(),
            Value::Int(_) => return "an integer".into(),
            Value::Float(_) => return "a float".into(),
            Value::Ref(_) => self.get(value),
        };
        match object {
            None => "nothing".into(),
            Some(Object::Text(_)) => "a string".into(),
            Some(Object::Raw(_)) => "a byte string".into(),
            Some(Object::Long(_)) => "an integer".into(),
            Some(Object::Tuple(items)) => format!("a tuple of {}", items.len()),
            Some(Object::List(items)) => format!("a list of {}", items.len()),
            Some(Object::Dict(pairs)) if pairs.is_empty() => "an empty dictionary".into(),
            Some(Object::Dict(pairs)) => format!("a dictionary of {}", pairs.len()),
            Some(Object::Set(_)) => "a set".into(),
            Some(Object::Global { .. }) => format!("the class or function `{}`", self.class_name(value)),
            Some(Object::Instance(instance)) => format!("an object made by `{}`", self.class_name(instance.class)),
            Some(Object::Storage(_)) => "a storage".into(),
            Some(Object::Tensor(_) | Object::Refused(_)) => "a tensor".into(),
            Some(Object::ArrayType(_)) => "an array's type".into(),
            Some(Object::Array(_)) => "an array".into(),
        }
    }

    /// A class's dotted name, shortened and with what isn't printable escaped.
    pub fn class_name(&self, class: Value) -> String {
        match self.global(class) {
            Some((module, name)) => shown(format!("{module}.{name}").as_bytes()),
            None => "?".into(),
        }
    }
}

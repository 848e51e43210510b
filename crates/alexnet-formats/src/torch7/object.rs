use crate::shown::shown;
use alexnet_spec::{DType, Tensor};
use bytes::Bytes;

/// A value of Lua's.
#[derive(Clone, Debug)]
pub(crate) enum Value {
    Nil,
    Number(f64),
    Bool(bool),
    Text(Bytes),
    /// Its place in the [`Heap`].
    Object(usize),
}

/// What has an identity: two values can be the same one.
#[derive(Debug)]
pub(crate) enum Object {
    /// Begun, and its content is still being read.
    Open,
    Table(Vec<(Value, Value)>),
    /// An object of a class, with its fields.
    Instance {
        class: String,
        fields: Value,
    },
    /// Or why it can't be one of ours.
    Tensor(Result<Tensor, String>),
    Storage(Storage),
    Function,
}

/// The elements of tensors.
#[derive(Clone, Debug)]
pub(crate) struct Storage {
    pub dtype: DType,
    pub bytes: Bytes,
}

/// The objects of a file.
#[derive(Debug, Default)]
pub(crate) struct Heap(pub Vec<Object>);

impl Heap {
    pub fn get(&self, value: &Value) -> Option<&Object> {
        match value {
            Value::Object(index) => self.0.get(*index),
            _ => None,
        }
    }

    /// The entries of a table, or the fields of an object; none of anything else.
    pub fn entries(&self, value: &Value) -> &[(Value, Value)] {
        match self.get(value) {
            Some(Object::Table(entries)) => entries,
            Some(Object::Instance { fields, .. }) => match self.get(fields) {
                Some(Object::Table(entries)) => entries,
                _ => &[],
            },
            _ => &[],
        }
    }

    /// The field `name` of a table or an object.
    pub fn field(&self, value: &Value, name: &str) -> Option<&Value> {
        let is_name = |key: &Value| matches!(key, Value::Text(text) if text == name.as_bytes());
        self.entries(value).iter().find(|(key, _)| is_name(key)).map(|(_, value)| value)
    }

    /// The values of a table at 1, 2, 3 and so on.
    pub fn list(&self, value: &Value) -> Vec<&Value> {
        let mut numbered: Vec<(f64, &Value)> = self
            .entries(value)
            .iter()
            .filter_map(|(key, value)| if let Value::Number(number) = key { Some((*number, value)) } else { None })
            .collect();
        numbered.sort_by(|(a, _), (b, _)| a.total_cmp(b));
        let ordered = numbered.iter().zip(1u32..).take_while(|((number, _), place)| *number == f64::from(*place));
        ordered.map(|((_, value), _)| *value).collect()
    }

    pub fn class(&self, value: &Value) -> Option<&str> {
        match self.get(value) {
            Some(Object::Instance { class, .. }) => Some(class),
            _ => None,
        }
    }

    /// A key as part of a path; `None` for what is no text or whole number.
    pub fn key(&self, key: &Value) -> Option<String> {
        match key {
            Value::Text(text) => Some(shown(text)),
            Value::Number(number) if number.fract() == 0.0 && number.abs() < 1e15 => Some(format!("{number}")),
            _ => None,
        }
    }
}

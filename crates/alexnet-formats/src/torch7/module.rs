use super::object::{Heap, Object, Value};
use crate::{Error, Result};
use alexnet_spec::Tensor;

/// An object of a class of `nn` or `cudnn`, with a name for messages.
#[derive(Clone, Copy)]
pub(super) struct Module<'a> {
    pub heap: &'a Heap,
    pub value: &'a Value,
    pub class: &'a str,
    pub path: &'a str,
}

impl<'a> Module<'a> {
    /// The class without its package.
    pub fn kind(&self) -> &'a str {
        self.class.split_once('.').map_or(self.class, |(_, kind)| kind)
    }

    pub fn field(&self, name: &str) -> Option<&'a Value> {
        self.heap.field(self.value, name)
    }

    /// The modules within it.
    pub fn children(&self) -> Vec<&'a Value> {
        self.field("modules").map(|modules| self.heap.list(modules)).unwrap_or_default()
    }

    /// A number from zero up; `default` where the field isn't there.
    pub fn size(&self, name: &str, default: Option<usize>) -> Result<usize> {
        match (self.field(name), default) {
            // All whole numbers up to here are exact.
            (Some(Value::Number(number)), _) if number.fract() == 0.0 && (0.0..1e9).contains(number) => {
                Ok(*number as usize)
            }
            (None | Some(Value::Nil), Some(default)) => Ok(default),
            (other, _) => Err(self.malformed(name, other)),
        }
    }

    pub fn number(&self, name: &str, default: Option<f64>) -> Result<f64> {
        match (self.field(name), default) {
            (Some(Value::Number(number)), _) => Ok(*number),
            (None | Some(Value::Nil), Some(default)) => Ok(default),
            (other, _) => Err(self.malformed(name, other)),
        }
    }

    pub fn flag(&self, name: &str) -> bool {
        matches!(self.field(name), Some(Value::Bool(true)))
    }

    /// A tensor that has elements.
    pub fn tensor(&self, name: &str) -> Result<Option<Tensor>> {
        match self.field(name).map(|value| (value, self.heap.get(value))) {
            None | Some((Value::Nil, _)) => Ok(None),
            Some((_, Some(Object::Tensor(Ok(tensor))))) => Ok(Some(tensor.clone())),
            Some((_, Some(Object::Tensor(Err(why))))) => Err(self.refused(format!("its {name} {why}"))),
            Some((other, _)) => Err(self.malformed(name, Some(other))),
        }
    }

    /// The numbers of a `LongStorage`.
    pub fn longs(&self, name: &str) -> Option<Vec<i64>> {
        match self.heap.get(self.field(name)?)? {
            Object::Storage(storage) if storage.dtype == alexnet_spec::DType::I64 => {
                Some(storage.bytes.as_chunks().0.iter().map(|word| i64::from_le_bytes(*word)).collect())
            }
            _ => None,
        }
    }

    pub fn refused(&self, message: impl Into<String>) -> Error {
        Error::refused(message).at(format!("module {} (`{}`)", self.path, self.class))
    }

    fn malformed(&self, name: &str, found: Option<&Value>) -> Error {
        let found = match found {
            None | Some(Value::Nil) => "is missing".to_owned(),
            Some(Value::Number(number)) => format!("is {number}"),
            Some(Value::Bool(value)) => format!("is {value}"),
            Some(Value::Text(_)) => "is a text".to_owned(),
            Some(Value::Object(_)) => "is an object".to_owned(),
        };
        Error::malformed(format!("its {name} {found}")).at(format!("module {} (`{}`)", self.path, self.class))
    }
}

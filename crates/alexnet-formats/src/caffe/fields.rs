use super::blob::Blob;
use super::schema::{Field, Message};
use crate::shown::shown;
use crate::{Error, Limits, Result};

/// A message that was read, binary or text: its fields by name, each of the kind that the schema says.
#[derive(Clone, Debug, Default)]
pub(super) struct Fields {
    values: Vec<(&'static str, Value)>,
}

/// What a field held.
#[derive(Clone, Debug)]
pub(super) enum Value {
    /// An integer or an enumeration's number.
    Int(i64),
    Float(f64),
    Bool(bool),
    Text(String),
    Message(Fields),
    Blob(Blob),
}

impl Fields {
    /// Appends a value.
    ///
    /// Errs where a field that isn't repeated is there already: writers don't do that, and readers differ in what they
    /// make of it.
    pub fn push(&mut self, message: &Message, field: &Field, value: Value) -> Result<()> {
        if !field.repeated && self.has(field.name) {
            return Err(Error::malformed(format!("`{}` of {} is there twice", field.name, message.name)));
        }
        self.values.push((field.name, value));
        Ok(())
    }

    /// The same values under other names: `(old, new)`; those without a new name are left out.
    pub fn renamed(&self, names: &[(&str, &'static str)]) -> Fields {
        let renamed = |(name, value): &(&'static str, Value)| {
            let (_, new) = names.iter().find(|(old, _)| old == name)?;
            Some((*new, value.clone()))
        };
        Fields { values: self.values.iter().filter_map(renamed).collect() }
    }

    /// Sets a value, whatever was there.
    pub fn set(&mut self, name: &'static str, value: Value) {
        self.values.retain(|(there, _)| *there != name);
        self.values.push((name, value));
    }

    pub fn has(&self, name: &'static str) -> bool {
        self.values.iter().any(|(there, _)| *there == name)
    }

    fn all<'f, T>(&'f self, name: &'static str, pick: impl Fn(&'f Value) -> Option<T>) -> impl Iterator<Item = T> {
        self.values.iter().filter(move |(there, _)| *there == name).filter_map(move |(_, value)| pick(value))
    }

    pub fn ints(&self, name: &'static str) -> impl Iterator<Item = i64> {
        self.all(name, |value| match value {
            Value::Int(int) => Some(*int),
            _ => None,
        })
    }

    pub fn int(&self, name: &'static str) -> Option<i64> {
        self.ints(name).next()
    }

    /// A size: an integer from 0 on, or `default` where there is none.
    pub fn size(&self, name: &'static str, default: usize) -> Result<usize> {
        match self.int(name) {
            Some(int) => size(name, int),
            None => Ok(default),
        }
    }

    /// Sizes of a repeated field.
    pub fn sizes(&self, name: &'static str) -> Result<Vec<usize>> {
        self.ints(name).map(|int| size(name, int)).collect()
    }

    pub fn floats(&self, name: &'static str) -> impl Iterator<Item = f64> {
        self.all(name, |value| match value {
            Value::Float(float) => Some(*float),
            _ => None,
        })
    }

    pub fn float(&self, name: &'static str) -> Option<f64> {
        self.floats(name).next()
    }

    pub fn bool(&self, name: &'static str) -> Option<bool> {
        let pick = |value: &Value| match value {
            Value::Bool(bool) => Some(*bool),
            _ => None,
        };
        self.all(name, pick).next()
    }

    pub fn texts(&self, name: &'static str) -> impl Iterator<Item = &str> {
        self.all(name, |value| match value {
            Value::Text(text) => Some(text.as_str()),
            _ => None,
        })
    }

    pub fn text(&self, name: &'static str) -> Option<&str> {
        self.texts(name).next()
    }

    pub fn messages(&self, name: &'static str) -> impl Iterator<Item = &Fields> {
        self.all(name, |value| match value {
            Value::Message(fields) => Some(fields),
            _ => None,
        })
    }

    /// A message's fields; none of them where it isn't there, which says the same as an empty one.
    pub fn message(&self, name: &'static str) -> &Fields {
        static NONE: Fields = Fields { values: Vec::new() };
        self.messages(name).next().unwrap_or(&NONE)
    }

    pub fn blobs(&self, name: &'static str) -> impl Iterator<Item = &Blob> {
        self.all(name, |value| match value {
            Value::Blob(blob) => Some(blob),
            _ => None,
        })
    }
}

fn size(name: &str, int: i64) -> Result<usize> {
    let size = u32::try_from(int).ok().and_then(|size| usize::try_from(size).ok());
    size.ok_or_else(|| Error::malformed(format!("`{name}` is {int}")))
}

/// How many values may still be read: each takes more memory than it has bytes in the file.
pub(super) struct Budget {
    left: usize,
    limit: usize,
}

impl Budget {
    pub fn new(limits: &Limits) -> Budget {
        Budget { left: limits.objects, limit: limits.objects }
    }

    pub fn take(&mut self) -> Result<()> {
        match self.left.checked_sub(1) {
            Some(left) => self.left = left,
            None => return Err(Error::limit("objects", "a net of more values", self.limit)),
        }
        Ok(())
    }
}

/// A float as it was written before it was rounded to four bytes: 1e-4, and not the 0.0000999999974738 next to it.
pub(super) fn shortest(float: f32) -> Result<f64> {
    let decimal = float.to_string().parse::<f64>().ok().filter(|float| float.is_finite());
    decimal.ok_or_else(|| Error::malformed(format!("a number is {}", shown(float.to_string().as_bytes()))))
}

use super::object::{Heap, Object, Storage, Value};
use super::tensor::{View, element};
use crate::input::Input;
use crate::shown::shown;
use crate::{Error, Limits, Result};
use bytes::Bytes;
use std::collections::HashMap;

/// How deep objects may be nested, whatever the limits say: each level is a call.
const NESTING: usize = 400;

/// Reads the one object of a file.
///
/// Errs, saying at which byte, where the bytes are no object of Torch's, and where any follow it.
pub(crate) fn read(bytes: Bytes, limits: &Limits) -> Result<(Heap, Value)> {
    let input = Input::new(bytes);
    let mut reader = Reader { input, heap: Heap::default(), known: HashMap::new(), limits, depth: 0 };
    let root = reader.value().map_err(|error| error.at(format!("byte {}", reader.input.position())))?;
    match reader.input.left() {
        0 => Ok((reader.heap, root)),
        left => Err(Error::malformed(format!("{left} bytes after the object, at byte {}", reader.input.position()))),
    }
}

struct Reader<'a> {
    input: Input,
    heap: Heap,
    /// Objects by the number that the file gives them.
    known: HashMap<i32, usize>,
    limits: &'a Limits,
    depth: usize,
}

impl Reader<'_> {
    fn int(&mut self) -> Result<i32> {
        Ok(i32::from_le_bytes(self.input.array()?))
    }

    /// A length or a number of entries.
    fn count(&mut self, what: &str) -> Result<u64> {
        let count = self.int()?;
        u64::try_from(count).map_err(|_| Error::malformed(format!("{what} of {count}")))
    }

    fn text(&mut self, what: &str) -> Result<Bytes> {
        let length = self.count(what)?;
        self.input.take(length, what)
    }

    fn name(&mut self, what: &str) -> Result<String> {
        let text = self.text(what)?;
        if text.len() > self.limits.name_bytes {
            return Err(Error::limit("name_bytes", format!("{what} of {} bytes", text.len()), self.limits.name_bytes));
        }
        match std::str::from_utf8(&text) {
            Ok(text) if !text.chars().any(char::is_control) => Ok(text.to_owned()),
            _ => Err(Error::malformed(format!("{what} that is no name: `{}`", shown(&text)))),
        }
    }

    fn value(&mut self) -> Result<Value> {
        let limit = self.limits.depth.min(NESTING);
        self.depth = self.depth.saturating_add(1);
        if self.depth > limit {
            return Err(Error::limit("depth", "objects nested deeper", limit));
        }
        let value = self.value_within();
        self.depth = self.depth.saturating_sub(1);
        value
    }

    fn value_within(&mut self) -> Result<Value> {
        let kind = self.int()?;
        Ok(match kind {
            0 => Value::Nil,
            1 => Value::Number(f64::from_le_bytes(self.input.array()?)),
            2 => Value::Text(self.text("a text")?),
            5 => Value::Bool(self.int()? == 1),
            6 => {
                let place = self.open()?;
                self.function()?;
                self.close(place, Object::Function)
            }
            3 | 4 | 7 | 8 => {
                let number = self.int()?;
                match self.known.get(&number) {
                    Some(place) => Value::Object(*place),
                    None => {
                        let place = self.open()?;
                        self.known.insert(number, place);
                        let object = match kind {
                            3 => self.table()?,
                            4 => self.instance()?,
                            _ => {
                                self.function()?;
                                Object::Function
                            }
                        };
                        self.close(place, object)
                    }
                }
            }
            other => {
                return Err(Error::malformed(format!("an object of type {other}, which Torch doesn't have"))
                    .with_remedy("getting the file again, or saving it on a machine of 64 bits: it is damaged or of another layout"));
            }
        })
    }

    fn open(&mut self) -> Result<usize> {
        let place = self.heap.0.len();
        if place >= self.limits.objects {
            return Err(Error::limit("objects", "one more object", self.limits.objects));
        }
        self.heap.0.push(Object::Open);
        Ok(place)
    }

    fn close(&mut self, place: usize, object: Object) -> Value {
        if let Some(open) = self.heap.0.get_mut(place) {
            *open = object;
        }
        Value::Object(place)
    }

    /// Lua's byte code and the variables that it uses, neither of which is of interest.
    fn function(&mut self) -> Result<()> {
        self.text("a function")?;
        self.value()?;
        Ok(())
    }

    fn table(&mut self) -> Result<Object> {
        let mut entries = Vec::new();
        for _ in 0..self.count("a table")? {
            let key = self.value()?;
            let value = self.value()?;
            if matches!(key, Value::Nil) {
                return Err(Error::malformed("a table with an entry that has no key"));
            }
            entries.push((key, value));
        }
        Ok(Object::Table(entries))
    }

    /// A tensor, a storage, or an object of a class that is written as the table of its fields.
    fn instance(&mut self) -> Result<Object> {
        let version = self.name("a version")?;
        let class = match version.strip_prefix("V ") {
            Some(_) => self.name("a class")?,
            None => version,
        };
        let place = |error: Error| error.at(format!("`{class}`"));
        if let Some(dtype) = element(&class, "Tensor") {
            let view = View::read(&mut self.input, dtype, self.limits).map_err(place)?;
            let storage = self.value()?;
            let storage = match (self.heap.get(&storage), &storage) {
                (Some(Object::Storage(storage)), _) => Some(storage),
                (None, Value::Nil) => None,
                _ => return Err(place(Error::malformed("a tensor whose storage is something else"))),
            };
            return Ok(Object::Tensor(view.of(storage).map_err(place)?));
        }
        if let Some(dtype) = element(&class, "Storage") {
            let count = i64::from_le_bytes(self.input.array()?);
            let length = u64::try_from(count).ok().and_then(|count| count.checked_mul(dtype.size() as u64));
            let length = length.ok_or_else(|| place(Error::malformed(format!("a storage of {count} elements"))))?;
            let bytes = self.input.take(length, "a storage").map_err(place)?;
            return Ok(Object::Storage(Storage { dtype, bytes }));
        }
        if class.starts_with("torch.") {
            return Err(place(
                Error::refused("is a class whose layout isn't known").with_remedy("saving the network alone"),
            ));
        }
        let fields = self.value()?;
        match self.heap.get(&fields) {
            Some(Object::Table(_)) => Ok(Object::Instance { class, fields }),
            _ => Err(Error::refused(format!("`{class}` isn't written as a table of fields"))
                .with_remedy("saving the network alone")),
        }
    }
}

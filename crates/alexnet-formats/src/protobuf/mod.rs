//! Protocol buffers as they lie in a file: the [wire format](https://protobuf.dev/programming-guides/encoding/) alone,
//! without schemas. What a field means is its reader's affair.
//!
//! Strict: groups, which no writer has used for years, are refused, and so are numbers longer than they may be. What a field
//! holds is a slice of the message's bytes, so a large array costs nothing until it is copied.

mod elements;
mod varint;

use crate::input::Input;
use crate::shown::shown;
use crate::{Error, Result};
use bytes::Bytes;
pub(crate) use varint::varint;

pub(crate) use elements::Elements;

/// A message's fields, one after the other.
#[derive(Clone, Debug)]
pub(crate) struct Message {
    input: Input,
}

/// A field: its number and what was stored.
#[derive(Clone, Debug)]
pub(crate) struct Field {
    pub number: u32,
    pub value: Value,
}

/// What the wire tells of a value's type.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    /// Integers, booleans and enumerations.
    Varint(u64),
    /// Doubles, and integers of fixed width; little-endian.
    Fixed64([u8; 8]),
    /// Text, bytes, messages and packed numbers.
    Bytes(Bytes),
    /// Floats, and integers of fixed width; little-endian.
    Fixed32([u8; 4]),
}

impl Message {
    pub fn new(bytes: Bytes) -> Message {
        Message { input: Input::new(bytes) }
    }

    /// The next field; `None` at the end of the message.
    ///
    /// Errs where the bytes are no field, saying at which of the message's bytes.
    pub fn field(&mut self) -> Result<Option<Field>> {
        if self.input.left() == 0 {
            return Ok(None);
        }
        let start = self.input.position();
        self.read().map(Some).map_err(|error| error.at(format!("byte {start}")))
    }

    /// How many bytes of the message have been read.
    pub fn position(&self) -> usize {
        self.input.position()
    }

    fn read(&mut self) -> Result<Field> {
        let tag = varint(&mut self.input)?;
        let number = u32::try_from(tag >> 3).ok().filter(|number| (1..=MAX_FIELD).contains(number));
        let Some(number) = number else {
            return Err(Error::malformed(format!("a field has number {}", tag >> 3)));
        };
        let value = match tag & 7 {
            0 => Value::Varint(varint(&mut self.input)?),
            1 => Value::Fixed64(self.input.array()?),
            2 => {
                let length = varint(&mut self.input)?;
                Value::Bytes(self.input.take(length, &format!("field {number}"))?)
            }
            5 => Value::Fixed32(self.input.array()?),
            3 | 4 => return Err(Error::malformed(format!("field {number} is a group"))),
            kind => return Err(Error::malformed(format!("field {number} has wire type {kind}"))),
        };
        Ok(Field { number, value })
    }
}

/// The largest number that a field may have.
const MAX_FIELD: u32 = (1 << 29) - 1;

impl Field {
    /// An unsigned integer, or an enumeration's number.
    pub fn uint(&self) -> Result<u64> {
        match self.value {
            Value::Varint(value) => Ok(value),
            _ => Err(self.mismatch("an integer")),
        }
    }

    /// An integer of `int32` or `int64`: negative ones are written in ten bytes.
    pub fn int(&self) -> Result<i64> {
        self.uint().map(u64::cast_signed)
    }

    /// The integers of a repeated field: one, or many that are packed. `each` decides how many are too many.
    pub fn ints(&self, each: &mut dyn FnMut(i64) -> Result<()>) -> Result<()> {
        match &self.value {
            Value::Varint(value) => each(value.cast_signed()),
            Value::Bytes(bytes) => {
                let mut input = Input::new(bytes.clone());
                while input.left() > 0 {
                    each(varint(&mut input)?.cast_signed())?;
                }
                Ok(())
            }
            _ => Err(self.mismatch("integers")),
        }
    }

    pub fn f32(&self) -> Result<f32> {
        match self.value {
            Value::Fixed32(bytes) => Ok(f32::from_le_bytes(bytes)),
            _ => Err(self.mismatch("a float")),
        }
    }

    /// Bytes, or a message.
    pub fn bytes(&self) -> Result<Bytes> {
        match &self.value {
            Value::Bytes(bytes) => Ok(bytes.clone()),
            _ => Err(self.mismatch("bytes")),
        }
    }

    /// Text of at most `limit` bytes, which [`Limits`](crate::Limits) call `name`.
    pub fn text(&self, limit: usize, name: &str) -> Result<String> {
        let bytes = self.bytes()?;
        if bytes.len() > limit {
            return Err(Error::limit(name, format!("a text of {} bytes", bytes.len()), limit));
        }
        let text = std::str::from_utf8(&bytes);
        text.map(str::to_owned).map_err(|_| Error::malformed(format!("`{}` is no UTF-8", shown(&bytes))))
    }

    fn mismatch(&self, needed: &str) -> Error {
        let there = match &self.value {
            Value::Varint(_) => "an integer",
            Value::Fixed64(_) => "8 bytes",
            Value::Bytes(_) => "bytes of a stated length",
            Value::Fixed32(_) => "4 bytes",
        };
        Error::malformed(format!("field {} should be {needed}, but is {there}", self.number))
    }
}

#[cfg(test)]
mod tests;

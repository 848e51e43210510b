//! MessagePack (<https://github.com/msgpack/msgpack/blob/master/spec.md>), every type of it, read strictly: byte strings are
//! slices of the file, counts are believed only as far as there are bytes, and depth and number of values are bounded.

use crate::input::Input;
use crate::{Error, Limits, Result};
use bytes::Bytes;

/// A value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    Nil,
    Bool(bool),
    /// Any integer of 64 bits, with or without sign.
    Int(i128),
    Float(f64),
    /// Text; checked to be UTF-8.
    Text(Bytes),
    Binary(Bytes),
    Array(Vec<Value>),
    /// In the file's order; a key may stand twice.
    Map(Vec<(Value, Value)>),
    /// A value of the application's: its type and its bytes.
    Extension(i8, Bytes),
}

impl Value {
    /// The text, where it is one.
    pub fn text(&self) -> Option<&str> {
        match self {
            Value::Text(text) => std::str::from_utf8(text).ok(),
            _ => None,
        }
    }
}

/// Reads the one value that `bytes` are.
///
/// Errs with the byte where the rules are broken, a limit is exceeded, or something follows.
pub(crate) fn read(bytes: Bytes, limits: &Limits) -> Result<Value> {
    let mut reader = Reader { input: Input::new(bytes), limits, values: 0 };
    let value = reader.value(0)?;
    match reader.input.left() {
        0 => Ok(value),
        left => Err(Error::malformed(format!("{left} bytes after the end, at byte {}", reader.input.position()))),
    }
}

struct Reader<'a> {
    input: Input,
    limits: &'a Limits,
    values: usize,
}

impl Reader<'_> {
    fn value(&mut self, depth: usize) -> Result<Value> {
        let start = self.input.position();
        self.values = self.values.saturating_add(1);
        if self.values > self.limits.objects {
            return Err(Error::limit("objects", "one more value", self.limits.objects));
        }
        if depth > self.limits.depth {
            return Err(Error::limit("depth", "values nested deeper", self.limits.depth));
        }
        let marker = self.input.byte().map_err(|error| error.at(format!("byte {start}")))?;
        match marker {
            0x80..=0x8f => self.map(u64::from(marker & 0x0f), depth),
            0x90..=0x9f => self.array(u64::from(marker & 0x0f), depth),
            0xdc | 0xdd => {
                let count = self.size(marker, 0xdc, 1)?;
                self.array(count, depth)
            }
            0xde | 0xdf => {
                let count = self.size(marker, 0xde, 1)?;
                self.map(count, depth)
            }
            _ => self.scalar(marker).map_err(|error| error.at(format!("byte {start}"))),
        }
    }

    /// What holds no other values.
    fn scalar(&mut self, marker: u8) -> Result<Value> {
        Ok(match marker {
            0x00..=0x7f => Value::Int(marker.into()),
            0xe0..=0xff => Value::Int(i8::from_le_bytes([marker]).into()),
            0xc0 => Value::Nil,
            0xc2 => Value::Bool(false),
            0xc3 => Value::Bool(true),
            0xca => Value::Float(f32::from_be_bytes(self.input.array()?).into()),
            0xcb => Value::Float(f64::from_be_bytes(self.input.array()?)),
            0xcc => Value::Int(self.input.byte()?.into()),
            0xcd => Value::Int(u16::from_be_bytes(self.input.array()?).into()),
            0xce => Value::Int(u32::from_be_bytes(self.input.array()?).into()),
            0xcf => Value::Int(u64::from_be_bytes(self.input.array()?).into()),
            0xd0 => Value::Int(i8::from_be_bytes(self.input.array()?).into()),
            0xd1 => Value::Int(i16::from_be_bytes(self.input.array()?).into()),
            0xd2 => Value::Int(i32::from_be_bytes(self.input.array()?).into()),
            0xd3 => Value::Int(i64::from_be_bytes(self.input.array()?).into()),
            0xa0..=0xbf => self.text(u64::from(marker & 0x1f))?,
            0xd9..=0xdb => {
                let length = self.size(marker, 0xd9, 0)?;
                self.text(length)?
            }
            0xc4..=0xc6 => {
                let length = self.size(marker, 0xc4, 0)?;
                Value::Binary(self.input.take(length, "a byte string")?)
            }
            0xd4..=0xd8 => self.extension(1 << (marker & 0x0f).saturating_sub(4))?,
            0xc7..=0xc9 => {
                let length = self.size(marker, 0xc7, 0)?;
                self.extension(length)?
            }
            _ => return Err(Error::malformed(format!("0x{marker:02x} begins no value"))),
        })
    }

    /// A length or a count of 1, 2 or 4 bytes: `marker` is one of several that begin with `first`, which has `2^narrowest`.
    fn size(&mut self, marker: u8, first: u8, narrowest: u8) -> Result<u64> {
        Ok(match marker.saturating_sub(first).saturating_add(narrowest) {
            0 => self.input.byte()?.into(),
            1 => u16::from_be_bytes(self.input.array()?).into(),
            _ => u32::from_be_bytes(self.input.array()?).into(),
        })
    }

    fn text(&mut self, length: u64) -> Result<Value> {
        let text = self.input.take(length, "a text")?;
        match std::str::from_utf8(&text) {
            Ok(_) => Ok(Value::Text(text)),
            Err(_) => Err(Error::malformed("a text that isn't UTF-8")),
        }
    }

    fn extension(&mut self, length: u64) -> Result<Value> {
        let kind = i8::from_be_bytes(self.input.array()?);
        Ok(Value::Extension(kind, self.input.take(length, "an extension")?))
    }

    fn array(&mut self, count: u64, depth: usize) -> Result<Value> {
        self.check_count(count)?;
        (0..count).map(|_| self.value(depth.saturating_add(1))).collect::<Result<_>>().map(Value::Array)
    }

    fn map(&mut self, count: u64, depth: usize) -> Result<Value> {
        self.check_count(count.saturating_mul(2))?;
        let mut pair = || Ok((self.value(depth.saturating_add(1))?, self.value(depth.saturating_add(1))?));
        (0..count).map(|_| pair()).collect::<Result<_>>().map(Value::Map)
    }

    /// Every value takes a byte at least.
    fn check_count(&self, count: u64) -> Result<()> {
        match count > self.input.left() as u64 {
            true => Err(Error::malformed(format!("{count} values, but {} bytes are left", self.input.left()))
                .at(format!("byte {}", self.input.position()))
                .with_remedy("getting the file again: it is cut off or damaged")),
            false => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests;

use super::{Field, Value};
use crate::{Error, Result};
use bytes::Bytes;

/// The numbers of a repeated field, each of `SIZE` bytes (4 for floats, 8 for doubles), little-endian as they lie.
///
/// Written packed and in one run, as all but ancient writers do, they stay a view of the message. Otherwise they are copied
/// together.
#[derive(Clone, Debug, Default)]
pub(crate) struct Elements<const SIZE: usize> {
    view: Bytes,
    copied: Vec<u8>,
}

impl<const SIZE: usize> Elements<SIZE> {
    /// Appends what one field holds: a packed run, or one number.
    pub fn push(&mut self, field: &Field) -> Result<()> {
        match &field.value {
            Value::Bytes(run) if run.len().checked_rem(SIZE) != Some(0) => Err(Error::malformed(format!(
                "field {} has {} bytes, which are no numbers of {SIZE} bytes",
                field.number,
                run.len()
            ))),
            Value::Bytes(run) if self.is_empty() => {
                self.view = run.clone();
                Ok(())
            }
            Value::Bytes(run) => self.copy(run),
            Value::Fixed32(number) if SIZE == 4 => self.copy(number),
            Value::Fixed64(number) if SIZE == 8 => self.copy(number),
            _ => Err(field.mismatch(&format!("numbers of {SIZE} bytes"))),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.view.is_empty() && self.copied.is_empty()
    }

    /// All of them, one after the other.
    pub fn finish(self) -> Bytes {
        if self.copied.is_empty() { self.view } else { self.copied.into() }
    }

    fn copy(&mut self, bytes: &[u8]) -> Result<()> {
        if !self.view.is_empty() {
            self.copied.extend_from_slice(&self.view);
            self.view = Bytes::new();
        }
        self.copied.extend_from_slice(bytes);
        Ok(())
    }
}

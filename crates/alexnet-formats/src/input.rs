use crate::{Error, Result};
use bytes::Bytes;

/// A position in bytes. What is taken is a slice of them, never a copy, and never more than there is.
#[derive(Clone, Debug)]
pub(crate) struct Input {
    bytes: Bytes,
    at: usize,
}

impl Input {
    pub fn new(bytes: Bytes) -> Input {
        Input { bytes, at: 0 }
    }

    /// How many bytes have been taken.
    pub fn position(&self) -> usize {
        self.at
    }

    /// How many bytes are left.
    pub fn left(&self) -> usize {
        self.bytes.len().saturating_sub(self.at)
    }

    /// The next `count` bytes, where `what` needs them.
    pub fn take(&mut self, count: u64, what: &str) -> Result<Bytes> {
        let end = usize::try_from(count).ok().and_then(|count| self.at.checked_add(count));
        match end.filter(|end| *end <= self.bytes.len()) {
            Some(end) => {
                let taken = self.bytes.slice(self.at..end);
                self.at = end;
                Ok(taken)
            }
            None => Err(Error::malformed(format!("{what} of {count} bytes, but {} are left", self.left()))
                .with_remedy("getting the file again: it is cut off or damaged")),
        }
    }

    /// The next byte.
    pub fn byte(&mut self) -> Result<u8> {
        let [byte] = self.array::<1>()?;
        Ok(byte)
    }

    /// The next `N` bytes.
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        match rest.first_chunk::<N>() {
            Some(chunk) => {
                self.at = self.at.saturating_add(N);
                Ok(*chunk)
            }
            None => Err(Error::malformed("the bytes end too early")
                .with_remedy("getting the file again: it is cut off or damaged")),
        }
    }

    /// The bytes up to the next newline, which is taken too.
    pub fn line(&mut self, limit: usize, name: &str) -> Result<Bytes> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let searched = rest.get(..limit.saturating_add(1)).unwrap_or(rest);
        match searched.iter().position(|byte| *byte == b'\n') {
            Some(length) => {
                let line = self.take(length as u64, "a line")?;
                self.at = self.at.saturating_add(1);
                Ok(line)
            }
            None if searched.len() < rest.len() => Err(Error::limit(name, "a longer line", limit)),
            None => Err(Error::malformed("the bytes end in the middle of a line")
                .with_remedy("getting the file again: it is cut off or damaged")),
        }
    }
}

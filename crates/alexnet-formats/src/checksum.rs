use crate::archive::crc32;
use crate::shown::shown;
use crate::{Error, Result};
use bytes::Bytes;
use std::fmt;

/// The CRC-32 that a container states for a part of a file which was read as a view, and not looked at yet.
#[derive(Clone)]
pub struct Checksum {
    member: String,
    bytes: Bytes,
    stated: u32,
}

impl Checksum {
    pub(crate) fn new(member: &str, bytes: Bytes, stated: u32) -> Checksum {
        Checksum { member: member.to_owned(), bytes, stated }
    }

    /// Errs where the bytes aren't those that were written.
    pub fn verify(&self) -> Result<()> {
        let crc = crc32(&self.bytes);
        if crc == self.stated {
            return Ok(());
        }
        Err(Error::malformed(format!("its CRC-32 is {crc:08x}, but should be {:08x}", self.stated))
            .with_remedy("getting the file again: it is damaged")
            .at(format!("zip entry `{}`", shown(self.member.as_bytes()))))
    }
}

impl fmt::Debug for Checksum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Checksum({:08x} of {} bytes of {:?})", self.stated, self.bytes.len(), self.member)
    }
}

use super::checksum::check_last_four;
use super::fields::{Fields, Sizes};
use crate::{Error, Result};
use bytes::Bytes;

pub(super) const SIGNATURE: &[u8; 8] = b"\x89HDF\r\n\x1a\n";

/// Where addresses count from, how wide they are, and where the root group is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Superblock {
    pub sizes: Sizes,
    pub root: u64,
}

/// Where the superblock begins: at the start, or behind a user block of 512 bytes or any power of two above.
pub(super) fn find(bytes: &[u8]) -> Option<usize> {
    let mut at = 0usize;
    while at < bytes.len() {
        if bytes.get(at..).is_some_and(|rest| rest.starts_with(SIGNATURE)) {
            return Some(at);
        }
        at = if at == 0 { 512 } else { at.checked_mul(2)? };
    }
    None
}

impl Superblock {
    /// Reads the superblock that begins `bytes`.
    pub fn read(bytes: &Bytes) -> Result<Superblock> {
        let mut fields = Fields::new(bytes.clone(), Sizes { address: 8, length: 8 });
        fields.skip(SIGNATURE.len() as u64)?;
        let version = fields.version(&[0, 1, 2, 3], "the superblock")?;
        if version < 2 {
            fields.skip(4)?;
        }
        let sizes = Sizes { address: fields.u8()?, length: fields.u8()? };
        for size in [sizes.address, sizes.length] {
            if !matches!(size, 2 | 4 | 8) {
                return Err(Error::malformed(format!("addresses or lengths of {size} bytes")));
            }
        }
        // What follows is as wide as has just been read.
        let start = fields.position();
        let mut fields = Fields::new(bytes.slice(start..), sizes);
        match version {
            0 | 1 => fields.skip(if version == 0 { 9 } else { 13 })?,
            _ => fields.skip(1)?,
        }
        // Base address, free space or extension, end of file, and of old the driver block and the root link's name. The
        // base is where the signature was found, as in the library: people prepend user blocks after the fact.
        for _ in 0..if version < 2 { 5 } else { 3 } {
            fields.address()?;
        }
        let root = fields.defined_address("the root group")?;
        if version >= 2 {
            let end = start.saturating_add(fields.position()).saturating_add(4);
            check_last_four(&bytes.slice(..end.min(bytes.len())), "superblock")?;
        }
        Ok(Superblock { sizes, root })
    }
}

use crate::{Error, Result};

/// Checks a CRC-32C that is stored masked, as LevelDB does lest sums of sums come out as nothing.
///
/// Errs where it isn't that of the `parts`, one after the other.
pub(super) fn check(parts: &[&[u8]], stored: u32) -> Result<()> {
    let found = parts.iter().fold(0, |sum, part| crc32c::crc32c_append(sum, part));
    let masked = found.rotate_right(15).wrapping_add(0xa282_ead8);
    match masked == stored {
        true => Ok(()),
        false => Err(Error::malformed(format!("its CRC-32C is {masked:08x}, but should be {stored:08x}"))
            .with_remedy("getting the file again: it is damaged")),
    }
}

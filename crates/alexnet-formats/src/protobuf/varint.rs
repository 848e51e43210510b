use crate::input::Input;
use crate::{Error, Result};

/// An integer of up to ten bytes, seven bits each, the lowest first; the top bit says that more follow.
pub(crate) fn varint(input: &mut Input) -> Result<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let byte = input.byte()?;
        // The tenth byte has room for one bit.
        if shift == 63 && byte > 1 {
            break;
        }
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Ok(value);
        }
    }
    Err(Error::malformed("an integer has more than 64 bits"))
}

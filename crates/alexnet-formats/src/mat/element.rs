use super::header::Order;
use crate::input::Input;
use crate::{Error, Result};
use bytes::Bytes;

/// A data element: its type's number ("Table 1-1" of the format's description, the names without `mi`) and its bytes.
#[derive(Clone, Debug)]
pub(super) struct Element {
    pub kind: u32,
    pub bytes: Bytes,
}

pub(super) const INT8: u32 = 1;
pub(super) const UINT8: u32 = 2;
pub(super) const INT16: u32 = 3;
pub(super) const UINT16: u32 = 4;
pub(super) const INT32: u32 = 5;
pub(super) const UINT32: u32 = 6;
pub(super) const SINGLE: u32 = 7;
pub(super) const DOUBLE: u32 = 9;
pub(super) const INT64: u32 = 12;
pub(super) const UINT64: u32 = 13;
pub(super) const MATRIX: u32 = 14;
pub(super) const COMPRESSED: u32 = 15;
pub(super) const UTF8: u32 = 16;
pub(super) const UTF16: u32 = 17;
pub(super) const UTF32: u32 = 18;

/// The bytes of a tag, and what every element is padded to a multiple of.
pub(super) const TAG: usize = 8;

/// The next element of `input`; `what` it should be.
pub(super) fn next(input: &mut Input, order: Order, what: &str) -> Result<Element> {
    let word = order.u32(input.array()?);
    let (kind, small) = (word & 0xffff, word >> 16);
    if small > 0 {
        // Up to 4 bytes in the place of the length.
        let bytes = input.array::<4>()?;
        return match bytes.get(..small as usize) {
            Some(bytes) => Ok(Element { kind, bytes: Bytes::copy_from_slice(bytes) }),
            None => Err(Error::malformed(format!("{what} of {small} bytes in an element for 4"))),
        };
    }
    let length = order.u32(input.array()?);
    let bytes = input.take(length.into(), what)?;
    if kind != COMPRESSED {
        // The last element of a file may lack its padding.
        let padding = u64::from(length.wrapping_neg() & 7);
        input.take(padding.min(input.left() as u64), "padding")?;
    }
    Ok(Element { kind, bytes })
}

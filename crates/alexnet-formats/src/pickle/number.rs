//! Numbers as protocols 0 to 2 write them.

use super::heap::{Heap, Object, Value};
use crate::{Error, Result};
use bytes::Bytes;

/// A decimal integer; of more than 64 bits only that it is one.
pub(super) fn decimal(heap: &mut Heap, line: &Bytes) -> Result<Value> {
    let text = std::str::from_utf8(line).ok().map(str::trim).unwrap_or_default();
    let text = text.strip_suffix('L').unwrap_or(text);
    let digits = text.strip_prefix('-').unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Error::malformed("what should be an integer isn't"));
    }
    match text.parse::<i64>() {
        Ok(value) => Ok(Value::Int(value)),
        Err(_) => match text.parse::<i128>() {
            Ok(value) => heap.make(Object::Long(shortest(value))),
            Err(_) => Err(Error::refused("an integer of more than 128 bits")),
        },
    }
}

/// A `float` as Python's `repr` writes it.
pub(super) fn float(line: &Bytes) -> Result<Value> {
    let value = std::str::from_utf8(line).ok().and_then(|text| text.trim().parse().ok());
    value.map(Value::Float).ok_or_else(|| Error::malformed("what should be a number isn't"))
}

/// An integer in two's complement, little-endian, of any length.
pub(super) fn long(heap: &mut Heap, mut bytes: Bytes) -> Result<Value> {
    // Bytes at the end that only repeat the sign say nothing.
    while let [.., next, last] = bytes.as_ref()
        && bytes.len() > 8
        && matches!((next & 0x80, last), (0, 0) | (0x80, 0xff))
    {
        bytes.truncate(bytes.len().saturating_sub(1));
    }
    if bytes.len() > 8 {
        return heap.make(Object::Long(bytes));
    }
    let fill = if bytes.last().is_some_and(|top| *top >= 0x80) { 0xff } else { 0 };
    let mut word = [fill; 8];
    for (to, from) in word.iter_mut().zip(&bytes) {
        *to = *from;
    }
    Ok(Value::Int(i64::from_le_bytes(word)))
}

/// The bytes that [`long`] reads, without any that only repeat the sign.
fn shortest(value: i128) -> Bytes {
    let bytes = value.to_le_bytes();
    let length = (1..16).find(|length| {
        let shift = 128u32.saturating_sub(8u32.saturating_mul(*length));
        value.wrapping_shl(shift).wrapping_shr(shift) == value
    });
    Bytes::copy_from_slice(bytes.get(..length.unwrap_or(16) as usize).unwrap_or(&bytes))
}

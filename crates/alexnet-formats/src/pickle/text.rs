//! Strings as protocols 0 and 1 and Python 2 write them, and the Latin-1 detour that Python 3 takes for byte strings.

use crate::{Error, Result};
use bytes::Bytes;

/// The bytes of Python 2's `repr` of a string: quoted, with escapes.
pub(super) fn unquote(line: &Bytes) -> Result<Bytes> {
    let trimmed = line.trim_ascii();
    let inner = match trimmed {
        [b'\'', inner @ .., b'\''] | [b'"', inner @ .., b'"'] => inner,
        _ => return Err(Error::malformed("a string without its quotes")),
    };
    if !inner.contains(&b'\\') {
        return Ok(line.slice_ref(inner));
    }
    let fault = || Error::malformed("an escape in a string that Python doesn't know");
    let mut out = Vec::with_capacity(inner.len());
    let mut rest = inner.iter().copied().peekable();
    while let Some(byte) = rest.next() {
        if byte != b'\\' {
            out.push(byte);
            continue;
        }
        match rest.next().ok_or_else(fault)? {
            b'n' => out.push(b'\n'),
            b'r' => out.push(b'\r'),
            b't' => out.push(b'\t'),
            b'a' => out.push(7),
            b'b' => out.push(8),
            b'v' => out.push(11),
            b'f' => out.push(12),
            literal @ (b'\\' | b'\'' | b'"') => out.push(literal),
            b'x' => {
                let high = rest.next().and_then(hex).ok_or_else(fault)?;
                let low = rest.next().and_then(hex).ok_or_else(fault)?;
                out.push((high << 4) | low);
            }
            first @ b'0'..=b'7' => {
                let mut value = u32::from(first & 7);
                for _ in 0..2 {
                    match rest.next_if(|digit| (b'0'..=b'7').contains(digit)) {
                        Some(digit) => value = (value << 3) | u32::from(digit & 7),
                        None => break,
                    }
                }
                out.push(u8::try_from(value).map_err(|_| fault())?);
            }
            _ => return Err(fault()),
        }
    }
    Ok(out.into())
}

/// A text in Python's `raw-unicode-escape`: Latin-1, and `\uXXXX` for the rest.
pub(super) fn raw_unicode(line: &Bytes) -> Result<Bytes> {
    if line.is_ascii() && !line.contains(&b'\\') {
        return Ok(line.clone());
    }
    let mut out = String::with_capacity(line.len());
    let mut rest = line.iter().copied().peekable();
    while let Some(byte) = rest.next() {
        let digits = match (byte, rest.peek()) {
            (b'\\', Some(b'u')) => 4,
            (b'\\', Some(b'U')) => 8,
            _ => {
                out.push(char::from(byte));
                continue;
            }
        };
        rest.next();
        let code = (0..digits).try_fold(0u32, |code, _| Some((code << 4) | u32::from(hex(rest.next()?)?)));
        let char = code.and_then(char::from_u32);
        out.push(char.ok_or_else(|| Error::malformed("an escape in a text that is no character"))?);
    }
    Ok(out.into_bytes().into())
}

/// The bytes whose values are the text's characters: how Python 3 writes `bytes` in protocols 0 to 2.
pub(super) fn latin1(text: &str) -> Result<Bytes> {
    let bytes: Option<Vec<u8>> = text.chars().map(|char| u8::try_from(u32::from(char)).ok()).collect();
    bytes.map(Bytes::from).ok_or_else(|| Error::malformed("a text to be encoded as latin-1 has other characters"))
}

/// Checks that `bytes` are UTF-8.
pub(super) fn utf8(bytes: Bytes) -> Result<Bytes> {
    match std::str::from_utf8(&bytes) {
        Ok(_) => Ok(bytes),
        Err(error) => Err(Error::malformed(format!("a string isn't UTF-8 from its byte {} on", error.valid_up_to()))),
    }
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

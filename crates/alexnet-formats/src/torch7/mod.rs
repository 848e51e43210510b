//! Torch7's binary serialisation (`.t7`), and the networks of its packages `nn` and `cudnn` in it.
//!
//! Described by nothing but torch7's `File.lua` and `generic/{Tensor,Storage}.c`: an object is a type and its content, tables
//! and Torch's objects have a number by which later ones refer to them. No code in a file is run: functions are passed over.

mod groups;
mod layers;
mod module;
mod network;
mod object;
mod reader;
mod tensor;
#[cfg(test)]
mod tests;

pub(crate) use groups::groups;
pub(crate) use network::find;
pub(crate) use reader::read;

/// Whether a file begins as a table or an object of Torch's does, each being the first of its file.
pub(crate) fn recognises(bytes: &[u8]) -> bool {
    match bytes {
        // A version, as in `V 1`; in the oldest files the class itself.
        [4, 0, 0, 0, 1, 0, 0, 0, length, 0, 0, 0, rest @ ..] => {
            let text = rest.get(..usize::from(*length)).unwrap_or_default();
            text.starts_with(b"V ")
                || [&b"nn."[..], b"torch.", b"cudnn."].iter().any(|package| text.starts_with(package))
        }
        // The number of entries, then the first key: a number, a text or a boolean.
        [3, 0, 0, 0, 1, 0, 0, 0, _, _, _, 0, 1 | 2 | 5, 0, 0, 0, ..] => true,
        _ => false,
    }
}

/// Whether a file is Torch's in its other encoding, numbers in decimal.
pub(crate) fn is_ascii(bytes: &[u8]) -> bool {
    bytes.starts_with(b"4\n1\n3\nV ") || bytes.starts_with(b"3\n1\n")
}

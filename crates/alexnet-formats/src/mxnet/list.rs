//! A list of arrays as `mx.nd.save` writes it: a mark, the arrays, then their names.

use super::ndarray::{self, Array};
use crate::input::Input;
use crate::shown::shown;
use crate::{Error, Limits, Result};
use bytes::Bytes;

/// The mark that a list begins with, and a word of zeros after it.
const MARK: [u8; 16] = [0x12, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];

/// Whether the bytes begin as a list does.
pub(crate) fn recognises(bytes: &[u8]) -> bool {
    bytes.starts_with(&MARK)
}

/// An array and its name.
pub(crate) struct Entry {
    pub(crate) name: String,
    pub(crate) array: Array,
}

/// The arrays of a file in its order; those of a list without names are numbered.
pub(crate) fn read(bytes: Bytes, limits: &Limits) -> Result<Vec<Entry>> {
    let mut input = Input::new(bytes);
    input.take(MARK.len() as u64, "the mark")?;
    let arrays = (0..count(&mut input, "arrays", limits)?)
        .map(|index| {
            let at = input.position();
            ndarray::read(&mut input, limits).map_err(|error| error.at(format!("array {index}, at byte {at}")))
        })
        .collect::<Result<Vec<_>>>()?;
    let named = count(&mut input, "names", limits)?;
    if named != 0 && named != arrays.len() {
        return Err(Error::malformed(format!("{} arrays, but {named} names", arrays.len())));
    }
    let mut entries = Vec::new();
    for (index, array) in arrays.into_iter().enumerate() {
        let name = if named == 0 { index.to_string() } else { name(&mut input, limits)? };
        entries.push(Entry { name, array });
    }
    match input.left() {
        0 => Ok(entries),
        left => Err(Error::malformed(format!("{left} bytes after the last name, at byte {}", input.position()))),
    }
}

fn count(input: &mut Input, what: &str, limits: &Limits) -> Result<usize> {
    let count = u64::from_le_bytes(input.array()?);
    match usize::try_from(count) {
        Ok(count) if count <= limits.tensors => Ok(count),
        _ => Err(Error::limit("tensors", format!("a list of {count} {what}"), limits.tensors)),
    }
}

fn name(input: &mut Input, limits: &Limits) -> Result<String> {
    let length = u64::from_le_bytes(input.array()?);
    if length > limits.name_bytes as u64 {
        return Err(Error::limit("name_bytes", format!("a name of {length} bytes"), limits.name_bytes));
    }
    let name = input.take(length, "a name")?;
    match std::str::from_utf8(&name) {
        Ok(name) => Ok(name.to_owned()),
        Err(_) => Err(Error::malformed(format!("the name `{}` isn't UTF-8", shown(&name)))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A list of empty float32 arrays of the oldest version, with these names.
    fn list(arrays: u64, names: &[&str]) -> Bytes {
        let mut bytes = MARK.to_vec();
        bytes.extend(arrays.to_le_bytes());
        (0..arrays).for_each(|_| bytes.extend([1u32, 0, 1, 0, 0].map(u32::to_le_bytes).concat()));
        bytes.extend((names.len() as u64).to_le_bytes());
        for name in names {
            bytes.extend((name.len() as u64).to_le_bytes());
            bytes.extend(name.as_bytes());
        }
        bytes.into()
    }

    #[test]
    fn names_come_with_their_arrays_and_numbers_without() {
        let names = |bytes| read(bytes, &Limits::default()).unwrap().into_iter().map(|e| e.name).collect::<Vec<_>>();
        assert_eq!(names(list(2, &["arg:a", "aux:b"])), ["arg:a", "aux:b"]);
        assert_eq!(names(list(2, &[])), ["0", "1"]);
    }

    #[test]
    fn a_list_that_contradicts_itself_is_an_error() {
        let whole = list(2, &["a", "b"]);
        let trailing: Bytes = [whole.as_ref(), &[0]].concat().into();
        let cases = [
            (list(2, &["a"]), "2 arrays, but 1 names"),
            (trailing, "1 bytes after the last name"),
            (whole.slice(..whole.len() - 1), "a name of 1 bytes, but 0 are left"),
            (whole.slice(..30), "array 0, at byte 24"),
        ];
        for (bytes, says) in cases {
            let error = read(bytes, &Limits::default()).err().expect(says);
            assert!(error.to_string().contains(says), "{error}");
        }
    }

    #[test]
    fn a_list_of_more_than_the_limit_is_not_begun() {
        let limits = Limits { tensors: 1, ..Limits::default() };
        assert!(read(list(2, &[]), &limits).err().unwrap().to_string().contains("`tensors` of 1"));
    }
}

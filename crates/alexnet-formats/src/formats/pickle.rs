//! A bare pickle, as `pickle.dump` writes it: arrays of NumPy's by name, or PyTorch's tensors, which then carry their
//! storages inside. Told by how the bytes begin; protocols 0 and 1 have no mark of their own, and must also end as pickles do.

use super::Format;
use super::pytorch::{self, Storages};
use super::pytorch_legacy;
use crate::input::Input;
use crate::pickle::{self, Heap};
use crate::{Checkpoint, Error, Limits, Result, Source, tree};

pub(super) const FORMAT: Format = Format {
    name: "pickle",
    about: "pickle.dump of a dictionary of arrays or tensors",
    recognises: |source, _| recognises(&source.bytes()),
    read,
};

fn recognises(bytes: &[u8]) -> bool {
    match bytes {
        [0x80, 0..=5, ..] => true,
        [b'(' | b'}' | b']', .., b'.'] => true,
        // A class: two lines that are dotted names.
        [b'c', rest @ .., b'.'] => {
            let mut lines = rest.get(..512).unwrap_or(rest).split(|byte| *byte == b'\n');
            let name = |line: &[u8]| {
                !line.is_empty() && line.iter().all(|byte| byte.is_ascii_alphanumeric() || b"._".contains(byte))
            };
            lines.next().is_some_and(name) && lines.next().is_some_and(name) && lines.next().is_some()
        }
        _ => false,
    }
}

fn read(source: &Source, limits: &Limits) -> Result<Checkpoint> {
    let bytes = source.bytes();
    let mut storages = Storages::new(bytes.len(), false);
    let mut input = Input::new(bytes);
    let mut heap = Heap::new(limits).with_nested(pytorch_legacy::nested);
    let root = pickle::run(&mut heap, &mut input, &mut pickle::no_persistent_ids)?;
    if input.left() > 0 {
        let message = format!("{} bytes after the pickle's end, at byte {}", input.left(), input.position());
        return Err(Error::malformed(message));
    }
    let groups = tree::joined(pytorch::groups(&heap, root, &mut storages)?)?;
    Ok(Checkpoint::new(FORMAT.name, groups))
}

//! Checkpoints of cuda-convnet, cuda-convnet2 and the 2012 program: a Python 2 pickle of `{"model_state", "op"}`, or the list
//! of layers alone, as DeCAF has it; or the folder `ConvNet__DATE` of such files, each named by epoch and batch.
//!
//! With `--zip-save` the pickle is the member `data` of a zip, and some were packed by gzip: both are opened by their own
//! formats, which come back here.

use super::Format;
use super::pytorch::Storages;
use crate::cuda_convnet::{Model, describe};
use crate::input::Input;
use crate::pickle::{self, Heap, Value};
use crate::shown::shown;
use crate::{Checkpoint, Error, Group, Limits, Result, Source};

pub(super) const FORMAT: Format = Format {
    name: "cuda-convnet",
    about: "a checkpoint of cuda-convnet, cuda-convnet2, DeCAF or the 2012 program, or a folder of them",
    recognises,
    read,
};

/// How much of a pickle is searched for its mark: more than the options that may stand before it.
const HEAD: usize = 1 << 20;

fn recognises(source: &Source, limits: &Limits) -> bool {
    if let Some(files) = source.folder() {
        return newest(files).is_some();
    }
    let bytes = source.bytes();
    let head = bytes.get(..HEAD).unwrap_or(&bytes);
    // What PyTorch pickles can have such a key, too: only what the pickle makes settles it.
    has_mark(head) && unpickle(source, limits).is_ok_and(|(heap, root)| Model::recognises(&heap, root))
}

/// Whether a pickle begins so that it may hold layers: with the key of the model's state, or as a list with a data layer.
fn has_mark(head: &[u8]) -> bool {
    let within = |mark: &[u8]| head.windows(mark.len()).any(|window| window == mark);
    // Protocols 4 and 5 have a frame of eight bytes' length around it.
    let body = match head {
        [0x80, 4 | 5, 0x95, rest @ ..] => rest.get(8..).unwrap_or_default(),
        [0x80, 0..=5, rest @ ..] => rest,
        _ => head,
    };
    match body {
        [b']', ..] | [b'(', b'l', ..] => within(b"dataIdx"),
        // In each protocol's own spelling, or a PyTorch pickle's `model_state_dict` would be one.
        [b'}', ..] | [b'(', b'd', ..] => {
            const KEYS: [&[u8]; 5] = [
                b"U\x0bmodel_state",
                b"X\x0b\0\0\0model_state",
                b"\x8c\x0bmodel_state",
                b"S'model_state'",
                b"Vmodel_state\n",
            ];
            KEYS.into_iter().any(within)
        }
        _ => false,
    }
}

fn unpickle(source: &Source, limits: &Limits) -> Result<(Heap, Value)> {
    let mut input = Input::new(source.bytes());
    let mut heap = Heap::new(limits);
    let root = pickle::run(&mut heap, &mut input, &mut pickle::no_persistent_ids)?;
    match input.left() {
        0 => Ok((heap, root)),
        left => {
            let message = format!("{left} bytes after the pickle's end, at byte {}", input.position());
            Err(Error::malformed(message))
        }
    }
}

fn read(source: &Source, limits: &Limits) -> Result<Checkpoint> {
    if let Some(files) = source.folder() {
        return read_newest(files, limits);
    }
    let bytes = source.bytes();
    let mut storages = Storages::new(bytes.len(), false);
    let (heap, root) = unpickle(source, limits)?;
    let model = Model::read(&heap, root)?;
    let described = describe(&heap, &model, &mut storages, bytes.len())?;
    storages.check_all(&heap)?;
    let tensors = described.tensors;
    let group = Group { tensors, ..Group::default() };
    Ok(Checkpoint::described(FORMAT.name, described.graph, vec![group]))
}

/// The newest checkpoint of a folder.
fn read_newest(files: &[Source], limits: &Limits) -> Result<Checkpoint> {
    let newest = newest(files).ok_or_else(|| Error::refused("a folder without a checkpoint"))?;
    let name = shown(newest.file_name().as_bytes());
    let mut checkpoint = super::read(newest, limits).map_err(|error| error.at(format!("file `{name}`")))?;
    if checkpoint.format != FORMAT.name {
        let message = format!("is named as a checkpoint of cuda-convnet, but is of the format {}", checkpoint.format);
        return Err(Error::refused(message).at(format!("file `{name}`")).with_remedy("that file alone"));
    }
    let count = files.iter().filter(|file| progress(file).is_some()).count();
    checkpoint.notes.push(format!("of {count} checkpoints in the folder, `{name}` is the newest"));
    Ok(checkpoint)
}

/// The file with the highest epoch and batch in its name, as numbers: `9.500` comes before `10.1`.
fn newest(files: &[Source]) -> Option<&Source> {
    files.iter().filter(|file| progress(file).is_some()).max_by_key(|file| progress(file))
}

/// The epoch and batch in a checkpoint's name.
fn progress(file: &Source) -> Option<(u64, u64)> {
    let name = file.file_name();
    let (epoch, batch) = name.split_once('.')?;
    let number = |digits: &str| digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok())?;
    Some((number(epoch)?, number(batch)?))
}

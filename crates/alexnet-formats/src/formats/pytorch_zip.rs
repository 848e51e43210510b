//! What `torch.save` writes since 1.6: a zip with `data.pkl`, which refers to storages by key, and a member `data/<key>` for
//! each. All lie in one folder of any name. `byteorder`, where there is one, says how the writer's system had it.
//!
//! Described by `torch/serialization.py` (`_save`, `_load`) and `caffe2/serialize/inline_container.h`. TorchScript
//! archives share all this; [`torchscript`](super::torchscript) is told apart by its constants.

use super::Format;
use super::pytorch::{self, Storages};
use crate::archive::Archive;
use crate::input::Input;
use crate::pickle::{self, Heap};
use crate::shown::shown;
use crate::{Checkpoint, Error, Limits, Result, Source};
use bytes::Bytes;

pub(super) const FORMAT: Format =
    Format { name: "pytorch-zip", about: "torch.save of PyTorch 1.6 and later", recognises, read };

fn recognises(source: &Source, limits: &Limits) -> bool {
    Archive::recognises(&source.bytes())
        && Archive::open(source.bytes(), limits)
            .map_or(true, |archive| archive.names().any(|name| folder(name).is_some()))
}

fn read(source: &Source, limits: &Limits) -> Result<Checkpoint> {
    read_as(FORMAT.name, source, limits)
}

/// The folder of the member `name` if that is an object's pickle: with its slash, or nothing.
pub(super) fn folder(name: &str) -> Option<&str> {
    name.strip_suffix("data.pkl").filter(|folder| folder.is_empty() || folder.ends_with('/'))
}

/// Reads either kind of archive, under the name of its own.
pub(super) fn read_as(format: &'static str, source: &Source, limits: &Limits) -> Result<Checkpoint> {
    let bytes = source.bytes();
    let archive = Archive::open(bytes.clone(), limits)?;
    let folders: Vec<&str> = archive.names().filter_map(folder).collect();
    let folder = match folders.as_slice() {
        [folder] => *folder,
        _ => return Err(Error::refused(format!("the zip has {} members `data.pkl`, not one", folders.len()))),
    };
    let name = format!("{folder}data.pkl");
    let program = archive.read(&name)?.unwrap_or_default();
    let mut heap = Heap::new(limits).with_nested(super::pytorch_legacy::nested);
    let mut input = Input::new(program);
    let root = pickle::run(&mut heap, &mut input, &mut pytorch::persistent_id).map_err(|error| error.at("data.pkl"))?;
    if input.left() > 0 {
        let message = format!("{} bytes after the pickle's end, at byte {}", input.left(), input.position());
        return Err(Error::malformed(message).at("data.pkl"));
    }
    let (mut storages, mut checksums) = (Storages::new(bytes.len(), big_endian(&archive, folder)?), Vec::new());
    for key in pytorch::storage_keys(&heap) {
        let content = archive.read_later(&format!("{folder}data/{}", String::from_utf8_lossy(&key)), &mut checksums)?;
        let content = content.ok_or_else(|| without_data(&archive, folder, &key))?;
        storages.insert(key, content)?;
    }
    let groups = pytorch::groups(&heap, root, &mut storages)?;
    Ok(Checkpoint { checksums, ..Checkpoint::new(format, groups) })
}

fn big_endian(archive: &Archive, folder: &str) -> Result<bool> {
    match archive.read(&format!("{folder}byteorder"))?.as_deref() {
        None | Some(b"little") => Ok(false),
        Some(b"big") => Ok(true),
        Some(other) => Err(Error::malformed(format!("the byte order is `{}`, not little or big", shown(other)))),
    }
}

fn without_data(archive: &Archive, folder: &str, key: &Bytes) -> Error {
    let error = Error::malformed(format!("storage `{}` isn't in the zip", shown(key)));
    match archive.contains(&format!("{folder}bytecode.pkl")) {
        true => error.with_remedy("the .pt file that this mobile .ptl was made from"),
        false => error.with_remedy("getting the file again: it is incomplete"),
    }
}

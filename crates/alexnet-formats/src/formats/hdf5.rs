//! Any other HDF5 file: its datasets by their paths, as h5py and Chainer's `save_hdf5` write them.

use super::Format;
use crate::hdf5::{Data, File};
use crate::shown::shown;
use crate::{Checkpoint, Error, Group, Limits, Result, Source, Unreadable};

pub(super) const FORMAT: Format = Format {
    name: "hdf5",
    about: "HDF5: every dataset by its path",
    // MATLAB's files have a text before, and are more than their datasets.
    recognises: |source, _| File::recognises(&source.bytes()) && !source.bytes().starts_with(b"MATLAB "),
    read,
};

fn read(source: &Source, limits: &Limits) -> Result<Checkpoint> {
    let file = File::open(source.bytes(), limits)?;
    let mut group = Group::default();
    for (name, dataset) in file.root()?.datasets()? {
        if group.tensors.len().saturating_add(group.unreadable.len()) >= limits.tensors {
            return Err(Error::limit("tensors", "one more dataset", limits.tensors));
        }
        match dataset.data().and_then(|data: Data<'_>| data.tensor()) {
            Ok(tensor) => group.tensors.push((name, tensor)),
            Err(error) if error.kind() == crate::error::Kind::Refused => {
                group.unreadable.push(Unreadable { name, reason: error.to_string() });
            }
            Err(error) => return Err(error.at(format!("`{}`", shown(name.as_bytes())))),
        }
    }
    match group.tensors.is_empty() && group.unreadable.is_empty() {
        true => Err(Error::refused("an HDF5 file without datasets")),
        false => Ok(Checkpoint::new(FORMAT.name, vec![group])),
    }
}

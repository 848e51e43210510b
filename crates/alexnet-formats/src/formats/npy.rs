//! One `.npy` that holds a dictionary of arrays as a pickled object: what caffe-tensorflow writes, and anyone else with
//! `numpy.save(path, {"conv1": [W, b], ...})`. An array of numbers is read too: it is a checkpoint's tensor only with a
//! `--map`.

use super::Format;
use super::pytorch::{self, Storages};
use crate::pickle::Heap;
use crate::{Checkpoint, Limits, Result, Source, npy, tree};

pub(super) const FORMAT: Format = Format {
    name: "npy",
    about: "numpy.save of a dictionary of arrays, as caffe-tensorflow writes it",
    recognises: |source, _| npy::recognises(&source.bytes()),
    read,
};

fn read(source: &Source, limits: &Limits) -> Result<Checkpoint> {
    let bytes = source.bytes();
    let mut storages = Storages::new(bytes.len(), false);
    let mut heap = Heap::new(limits);
    let root = npy::value(&mut heap, bytes)?;
    let groups = tree::joined(pytorch::groups(&heap, root, &mut storages)?)?;
    Ok(Checkpoint::new(FORMAT.name, groups))
}

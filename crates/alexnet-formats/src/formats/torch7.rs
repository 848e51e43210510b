//! Torch7's `.t7` in its binary encoding (torch/torch7, `File.lua`): a network of `nn` or `cudnn`, alone or in a table, or
//! tables of tensors by name.
//!
//! Sizes are read as 8 bytes, as every machine of 64 bits but Windows writes them. nngraph's networks, modules of other
//! packages and the ASCII encoding are not read.

use super::Format;
use crate::torch7::{find, groups, read as read_object, recognises};
use crate::{Checkpoint, Error, Limits, Result, Source};

pub(super) const FORMAT: Format = Format {
    name: "torch7",
    about: "torch.save of Torch7: a network of nn or cudnn, or tables of tensors",
    recognises: |source, _| recognises(&source.bytes()),
    read,
};

fn read(source: &Source, limits: &Limits) -> Result<Checkpoint> {
    let (heap, root) = read_object(source.bytes(), limits)?;
    if let Some(found) = find(&heap, &root, limits)? {
        let (graph, group) = found.graph(limits)?;
        return Ok(Checkpoint::described(FORMAT.name, graph, vec![group]));
    }
    let groups = groups(&heap, &root, limits)?;
    if groups.is_empty() {
        return Err(Error::refused("holds no network and no tensors").with_remedy("torch.save of the network"));
    }
    Ok(Checkpoint::new(FORMAT.name, groups))
}

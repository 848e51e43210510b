//! The groups of HDF5 before 1.8, which h5py, Keras and MATLAB still write: a B-tree of symbol table nodes, and a heap that
//! holds the names.

use super::fields::Fields;
use super::file::File;
use super::link::{self, Link};
use crate::shown::shown;
use crate::{Error, Result};
use bytes::Bytes;

/// The links that a symbol table message leads to.
pub(super) fn links(file: &File, body: Bytes) -> Result<Vec<(String, Link)>> {
    let mut fields = file.fields(body);
    let tree = fields.defined_address("a group's tree")?;
    let heap = heap(file, fields.defined_address("a group's heap")?)?;
    let mut links = Vec::new();
    for leaf in leaves(file, tree, 0, |fields| fields.length().map(drop))? {
        node(file, leaf.child, &heap, &mut links)?;
    }
    Ok(links)
}

/// The data of a local heap.
fn heap(file: &File, address: u64) -> Result<Bytes> {
    let mut fields = file.at(address)?;
    fields.signature(b"HEAP", "local heap")?;
    fields.version(&[0], "local heaps")?;
    fields.skip(3)?;
    let size = fields.length()?;
    fields.length()?;
    file.slice(fields.defined_address("a heap's data")?, size)
}

fn node(file: &File, address: u64, heap: &Bytes, links: &mut Vec<(String, Link)>) -> Result<()> {
    let mut fields = file.at(address)?;
    fields.signature(b"SNOD", "symbol table node")?;
    fields.version(&[1], "symbol table nodes")?;
    fields.skip(1)?;
    for _ in 0..fields.u16()? {
        file.budget().parse(1)?;
        let name = link::name(file, &text(file, heap, fields.defined_address("a link's name")?)?)?;
        let object = fields.address()?;
        let cached = fields.u32()?;
        fields.skip(4)?;
        let scratch = fields.take(16, "a symbol table entry")?;
        let link = match (object, cached) {
            (_, 2) => {
                let at = scratch.first_chunk().map_or(0, |bytes| u32::from_le_bytes(*bytes));
                Link::Soft(shown(&text(file, heap, at.into())?))
            }
            (Some(address), _) => Link::Object(address),
            (None, _) => return Err(Error::malformed(format!("`{}` leads nowhere", name.escape_debug()))),
        };
        links.push((name, link));
    }
    Ok(())
}

/// The text in a heap that begins at `at` and ends before a zero byte.
fn text(file: &File, heap: &Bytes, at: u64) -> Result<Bytes> {
    let rest = usize::try_from(at).ok().filter(|at| *at < heap.len()).map(|at| heap.slice(at..));
    // No further than a name may reach: entries may share a heap without a zero.
    let longest = file.budget().limits().name_bytes.saturating_add(1);
    let length = rest.as_ref().and_then(|rest| rest.iter().take(longest).position(|byte| *byte == 0));
    match rest.zip(length) {
        Some((rest, length)) => Ok(rest.slice(..length)),
        None => Err(Error::malformed(format!("a name at byte {at} of a heap of {}", heap.len()))),
    }
}

/// What a leaf of a version 1 B-tree refers to, and the key before it.
pub(super) struct Leaf<K> {
    pub key: K,
    pub child: u64,
}

/// All leaves of the B-tree at `address`, left to right.
///
/// The levels have to count down to 0, so no path leads back; the budget ends a tree whose nodes share children.
pub(super) fn leaves<K>(
    file: &File,
    address: u64,
    kind: u8,
    key: impl Fn(&mut Fields) -> Result<K>,
) -> Result<Vec<Leaf<K>>> {
    let mut leaves = Vec::new();
    let mut nodes = vec![(address, None)];
    while let Some((address, expected)) = nodes.pop() {
        let mut fields = file.at(address)?;
        fields.signature(b"TREE", "B-tree node")?;
        let (found, level, entries) = (fields.u8()?, fields.u8()?, fields.u16()?);
        if found != kind || expected.is_some_and(|expected: u8| expected != level) {
            return Err(Error::malformed("a B-tree node has another kind or level than its parent says"));
        }
        fields.address()?;
        fields.address()?;
        let mut below = Vec::new();
        for _ in 0..entries {
            file.budget().parse(1)?;
            let key = key(&mut fields)?;
            let child = fields.defined_address("a B-tree's child")?;
            match level.checked_sub(1) {
                Some(level) => below.push((child, Some(level))),
                None => leaves.push(Leaf { key, child }),
            }
        }
        nodes.extend(below.into_iter().rev());
    }
    Ok(leaves)
}

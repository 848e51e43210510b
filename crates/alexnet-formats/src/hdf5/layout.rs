use super::fields::Fields;
use super::file::File;
use crate::{Error, Result};
use bytes::Bytes;

/// Where a dataset's elements lie.
#[derive(Clone, Debug)]
pub(super) enum Layout {
    /// In the message itself.
    Compact(Bytes),
    /// In one piece; `None`: never written.
    Contiguous { address: Option<u64>, size: u64 },
    /// In pieces of equal shape, each filtered by itself.
    Chunked { shape: Vec<usize>, index: Index },
}

/// How chunks are found.
#[derive(Clone, Debug)]
pub(super) enum Index {
    /// A version 1 B-tree; `None`: never written.
    Tree(Option<u64>),
    /// There is but one: its address, and where it is filtered its size and the filters that were left out.
    Single { address: Option<u64>, filtered: Option<(u64, u32)> },
    /// Unfiltered, one after the other.
    Implicit(Option<u64>),
    /// A fixed array's header.
    FixedArray(Option<u64>),
}

/// Reads a layout message.
pub(super) fn read(file: &File, body: Bytes) -> Result<Layout> {
    let mut fields = file.fields(body);
    let version = fields.version(&[3, 4], "data layouts")?;
    Ok(match (fields.u8()?, version) {
        (0, _) => {
            let size = fields.u16()?;
            Layout::Compact(fields.take(size.into(), "a compact dataset")?)
        }
        (1, _) => Layout::Contiguous { address: fields.address()?, size: fields.length()? },
        (2, 3) => {
            let rank = fields.u8()?;
            let address = fields.address()?;
            Layout::Chunked { shape: chunk_shape(&mut fields, rank, 4)?, index: Index::Tree(address) }
        }
        (2, _) => chunked(&mut fields)?,
        (3, _) => return Err(Error::refused("a virtual dataset, which lies in other files").with_remedy(super::REPACK)),
        (class, _) => return Err(Error::malformed(format!("data layout {class} isn't known"))),
    })
}

/// The shape of a chunk: dimensions, of which the last is an element's size.
fn chunk_shape(fields: &mut Fields, rank: u8, width: u8) -> Result<Vec<usize>> {
    let rank = rank.checked_sub(1).ok_or_else(|| Error::malformed("a chunk without dimensions"))?;
    let size = |size: u64| usize::try_from(size).ok().filter(|size| *size > 0);
    let size = |value: u64| size(value).ok_or_else(|| Error::malformed(format!("a chunk's dimension of {value}")));
    let shape = (0..rank).map(|_| fields.uint(width).and_then(size)).collect::<Result<_>>()?;
    fields.uint(width)?;
    Ok(shape)
}

/// Chunks as HDF5 1.10 writes them where it is told that no older version will read them.
fn chunked(fields: &mut Fields) -> Result<Layout> {
    let flags = fields.u8()?;
    let rank = fields.u8()?;
    let width = fields.u8()?;
    let shape = chunk_shape(fields, rank, width)?;
    let index = match fields.u8()? {
        1 => {
            let filtered = match flags & 2 {
                0 => None,
                _ => Some((fields.length()?, fields.u32()?)),
            };
            Index::Single { address: fields.address()?, filtered }
        }
        2 => Index::Implicit(fields.address()?),
        3 => {
            fields.skip(1)?;
            Index::FixedArray(fields.address()?)
        }
        4 | 5 => {
            return Err(
                Error::refused("a dataset that can grow, in the layout of HDF5 1.10").with_remedy(super::REPACK)
            );
        }
        index => return Err(Error::malformed(format!("chunk index {index} isn't known"))),
    };
    Ok(Layout::Chunked { shape, index })
}

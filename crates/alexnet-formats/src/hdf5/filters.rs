use super::checksum::fletcher32;
use super::file::File;
use crate::{Error, Result};
use bytes::Bytes;
use flate2::{Decompress, FlushDecompress, Status};

/// What was done to each chunk before it was stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Filter {
    Deflate,
    /// The first bytes of all elements, then the second ones, ...: elements of this many bytes.
    Shuffle(usize),
    Fletcher32,
}

/// Reads a filter pipeline message.
pub(super) fn read(file: &File, body: Bytes) -> Result<Vec<Filter>> {
    let mut fields = file.fields(body);
    let version = fields.version(&[1, 2], "filter pipelines")?;
    let count = fields.u8()?;
    fields.skip(if version == 1 { 6 } else { 0 })?;
    let mut filters = Vec::new();
    for _ in 0..count {
        let id = fields.u16()?;
        let name = if version == 1 || id >= 256 { fields.u16()? } else { 0 };
        fields.skip(2)?;
        let values = fields.u16()?;
        fields.skip(if version == 1 { name.next_multiple_of(8) } else { name }.into())?;
        let first = if values > 0 { fields.u32()? } else { 0 };
        fields.skip(u64::from(values.saturating_sub(1)).saturating_mul(4))?;
        fields.skip(if version == 1 && values % 2 == 1 { 4 } else { 0 })?;
        filters.push(match id {
            1 => Filter::Deflate,
            2 => Filter::Shuffle(usize::try_from(first).unwrap_or_default()),
            3 => Filter::Fletcher32,
            _ => return Err(unknown(id)),
        });
    }
    Ok(filters)
}

fn unknown(id: u16) -> Error {
    let name = match id {
        4 => "szip".to_owned(),
        5 => "n-bit".to_owned(),
        6 => "scale-offset".to_owned(),
        32000 => "LZF".to_owned(),
        32001 => "Blosc".to_owned(),
        32004 => "LZ4".to_owned(),
        32015 => "Zstandard".to_owned(),
        id => format!("filter {id}"),
    };
    Error::refused(format!("a dataset compressed by {name}")).with_remedy("h5repack -f GZIP=6 IN OUT")
}

/// Undoes the filters, last to first, but for those that `skipped` has a bit for. The result has `size` bytes, which are
/// allowed.
pub(super) fn undo(filters: &[Filter], skipped: u32, stored: Bytes, size: usize) -> Result<Bytes> {
    let mut bytes = stored;
    for (index, filter) in filters.iter().enumerate().rev() {
        if 1u32.checked_shl(index as u32).is_some_and(|bit| skipped & bit != 0) {
            continue;
        }
        bytes = match filter {
            // Where a checksum was added before, there are four bytes more.
            Filter::Deflate => inflate(&bytes, size.saturating_add(4))?,
            Filter::Shuffle(element) => unshuffle(&bytes, *element),
            Filter::Fletcher32 => without_checksum(&bytes)?,
        };
    }
    match bytes.len() == size {
        true => Ok(bytes),
        false => Err(Error::malformed(format!("a chunk has {} bytes, but should have {size}", bytes.len()))),
    }
}

fn inflate(stored: &[u8], at_most: usize) -> Result<Bytes> {
    let mut out = Vec::with_capacity(at_most);
    let mut inflater = Decompress::new(true);
    let status = inflater.decompress_vec(stored, &mut out, FlushDecompress::Finish);
    match status {
        Ok(Status::StreamEnd) => Ok(out.into()),
        _ => Err(Error::malformed(format!("{} compressed bytes are damaged, or more than {at_most}", stored.len()))
            .with_remedy("getting the file again: it is damaged")),
    }
}

fn unshuffle(shuffled: &Bytes, element: usize) -> Bytes {
    let count = shuffled.len().checked_div(element).unwrap_or_default();
    if element < 2 || count < 2 {
        return shuffled.clone();
    }
    let (planes, rest) = shuffled.split_at(count.saturating_mul(element));
    let mut out = vec![0; planes.len()];
    for (place, plane) in planes.chunks_exact(count).enumerate() {
        out.iter_mut().skip(place).step_by(element).zip(plane).for_each(|(to, from)| *to = *from);
    }
    out.extend_from_slice(rest);
    out.into()
}

fn without_checksum(bytes: &Bytes) -> Result<Bytes> {
    let split = bytes.split_last_chunk::<4>();
    match split.filter(|(content, stored)| fletcher32(content) == u32::from_le_bytes(**stored)) {
        Some((content, _)) => Ok(bytes.slice_ref(content)),
        None => {
            Err(Error::malformed("a chunk's checksum is wrong").with_remedy("getting the file again: it is damaged"))
        }
    }
}

use super::file::File;
use crate::{Error, Result};
use bytes::Bytes;

/// The shape of an attribute or dataset from its dataspace message; `[]` is a scalar, `None` holds nothing at all.
pub(super) fn read(file: &File, body: Bytes) -> Result<Option<Vec<usize>>> {
    let mut fields = file.fields(body);
    let version = fields.version(&[1, 2], "dataspaces")?;
    let rank = fields.u8()?;
    fields.u8()?;
    let kind = match version {
        1 => {
            fields.skip(5)?;
            1
        }
        _ => fields.u8()?,
    };
    let limit = file.budget().limits().dimensions;
    if usize::from(rank) > limit {
        return Err(Error::limit("dimensions", format!("{rank} dimensions"), limit));
    }
    if kind == 2 {
        return Ok(None);
    }
    let size = |size: u64| usize::try_from(size).map_err(|_| Error::malformed(format!("a dimension of {size}")));
    (0..rank).map(|_| fields.length().and_then(size)).collect::<Result<_>>().map(Some)
}

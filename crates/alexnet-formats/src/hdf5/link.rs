use super::file::File;
use crate::shown::shown;
use crate::{Error, Result};
use bytes::Bytes;

/// Where a name of a group leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Link {
    /// To the object at an address.
    Object(u64),
    /// To whatever has this path.
    Soft(String),
    /// Into another file.
    Elsewhere,
}

/// A link message.
pub(super) fn message(file: &File, body: Bytes) -> Result<(String, Link)> {
    let mut fields = file.fields(body);
    fields.version(&[1], "link messages")?;
    let flags = fields.u8()?;
    let kind = if flags & 0x08 != 0 { fields.u8()? } else { 0 };
    fields.skip(if flags & 0x04 != 0 { 8 } else { 0 })?;
    fields.skip(if flags & 0x10 != 0 { 1 } else { 0 })?;
    let length = fields.uint(1 << (flags & 3))?;
    let name = name(file, &fields.take(length, "a link's name")?)?;
    let link = match kind {
        0 => Link::Object(fields.defined_address("a link's object")?),
        1 => {
            let length = fields.u16()?;
            Link::Soft(shown(&fields.take(length.into(), "a soft link")?))
        }
        _ => Link::Elsewhere,
    };
    Ok((name, link))
}

/// The name of a link: UTF-8, and one component of a path.
pub(super) fn name(file: &File, bytes: &[u8]) -> Result<String> {
    let limit = file.budget().limits().name_bytes;
    if bytes.len() > limit {
        return Err(Error::limit("name_bytes", format!("a link's name of {} bytes", bytes.len()), limit));
    }
    match std::str::from_utf8(bytes) {
        Ok(name) if !name.is_empty() && !name.contains(['/', '\0']) => Ok(name.to_owned()),
        _ => Err(Error::malformed(format!("`{}` is no name of a link", shown(bytes)))),
    }
}

use super::data::Data;
use super::dataspace;
use super::datatype;
use super::fields::Fields;
use super::file::File;
use crate::shown::shown;
use crate::{Error, Result};
use bytes::Bytes;

/// An attribute message: the name, and where its parts lie.
pub(super) struct Attribute {
    pub name: Bytes,
    datatype: Bytes,
    shared: bool,
    dataspace: Bytes,
    content: Bytes,
}

/// Splits an attribute message into its parts.
pub(super) fn read(file: &File, body: Bytes) -> Result<Attribute> {
    let mut fields = file.fields(body);
    let version = fields.version(&[1, 2, 3], "attributes")?;
    let flags = fields.u8()?;
    let sizes = (fields.u16()?, fields.u16()?, fields.u16()?);
    fields.skip(if version == 3 { 1 } else { 0 })?;
    // Of version 1 each part is padded to eight bytes, counted from its own start.
    let part = |fields: &mut Fields, size: u16| {
        let part = fields.take(size.into(), "a part of an attribute")?;
        let padding = u64::from(size.next_multiple_of(8).saturating_sub(size));
        fields.skip(if version == 1 { padding } else { 0 })?;
        Ok::<_, Error>(part)
    };
    let name = part(&mut fields, sizes.0)?;
    let name = name.slice(..name.iter().position(|byte| *byte == 0).unwrap_or(name.len()));
    let datatype = part(&mut fields, sizes.1)?;
    let dataspace = part(&mut fields, sizes.2)?;
    if version > 1 && flags & 2 != 0 {
        return Err(Error::refused(format!("attribute `{}` shares its shape with others", shown(&name)))
            .with_remedy(super::REPACK));
    }
    let content = fields.take(fields.left() as u64, "an attribute")?;
    Ok(Attribute { name, datatype, shared: version > 1 && flags & 1 != 0, dataspace, content })
}

impl Attribute {
    /// What it holds; `None` where its dataspace says that it holds nothing.
    pub fn data<'f>(&self, file: &'f File) -> Result<Option<Data<'f>>> {
        let datatype = match self.shared {
            true => datatype::shared(file, self.datatype.clone())?,
            false => datatype::read(file, self.datatype.clone())?,
        };
        let Some(shape) = dataspace::read(file, self.dataspace.clone())? else { return Ok(None) };
        let needed = shape.iter().try_fold(datatype.size, |bytes, size| bytes.checked_mul(*size));
        match needed.filter(|needed| *needed <= self.content.len()) {
            Some(needed) => Ok(Some(Data { file, datatype, shape, bytes: self.content.slice(..needed) })),
            None => Err(Error::malformed(format!("shape {shape:?} in {} bytes", self.content.len()))),
        }
    }
}

use crate::protobuf::Message;
use crate::{Error, Limits, Result};
use bytes::Bytes;

/// `BundleHeaderProto`, the value of the empty key.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Header {
    /// Files that the elements lie in.
    pub shards: u64,
}

/// `BundleEntryProto`: one variable.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Entry {
    pub element: u64,
    pub shape: Vec<u64>,
    pub shard: u64,
    pub offset: u64,
    pub length: u64,
    /// Masked.
    pub crc: u32,
    /// Parts of a partitioned variable, which lie under keys of their own.
    pub slices: usize,
}

/// The newest layout of the bundle that is known here.
const VERSION: i64 = 1;

impl Header {
    pub fn read(bytes: Bytes) -> Result<Header> {
        let mut message = Message::new(bytes);
        let mut header = Header { shards: 0 };
        while let Some(field) = message.field()? {
            match field.number {
                1 => header.shards = field.uint()?,
                2 if field.uint()? != 0 => {
                    return Err(Error::refused("its numbers are big-endian")
                        .with_remedy("saving it again on a little-endian machine"));
                }
                3 => {
                    let mut version = Message::new(field.bytes()?);
                    while let Some(field) = version.field()? {
                        if field.number == 2 && field.int()? > VERSION {
                            let version = field.int()?;
                            return Err(Error::refused(format!(
                                "its layout needs a reader of version {version}; {VERSION} is known"
                            )));
                        }
                    }
                }
                _ => {}
            }
        }
        Ok(header)
    }
}

impl Entry {
    pub fn read(bytes: Bytes, limits: &Limits) -> Result<Entry> {
        let mut message = Message::new(bytes);
        let mut entry = Entry::default();
        while let Some(field) = message.field()? {
            match field.number {
                1 => entry.element = field.uint()?,
                2 => entry.shape = shape(field.bytes()?, limits)?,
                3 => entry.shard = field.uint()?,
                4 => entry.offset = field.uint()?,
                5 => entry.length = field.uint()?,
                6 => entry.crc = field.f32()?.to_bits(),
                7 => entry.slices = entry.slices.saturating_add(1),
                _ => {}
            }
        }
        Ok(entry)
    }
}

/// `TensorShapeProto`.
fn shape(bytes: Bytes, limits: &Limits) -> Result<Vec<u64>> {
    let mut message = Message::new(bytes);
    let mut shape = Vec::new();
    while let Some(field) = message.field()? {
        match field.number {
            2 => {
                let mut dimension = Message::new(field.bytes()?);
                let mut size = 0;
                while let Some(field) = dimension.field()? {
                    if field.number == 1 {
                        size = field.uint()?;
                    }
                }
                if shape.len() >= limits.dimensions {
                    return Err(Error::limit("dimensions", "a tensor of more dimensions", limits.dimensions));
                }
                shape.push(size);
            }
            3 if field.uint()? != 0 => return Err(Error::malformed("a variable without a shape")),
            _ => {}
        }
    }
    Ok(shape)
}

use super::fields::Fields;
use super::file::File;
use crate::{Error, Result};
use bytes::Bytes;
use std::collections::HashSet;

/// One message of an object header: what it says by its number in the specification, section IV.A.2.
#[derive(Clone, Debug)]
pub(super) struct Message {
    pub kind: u16,
    /// Whether the body is where to find it instead.
    pub shared: bool,
    pub body: Bytes,
}

/// The numbers of the messages that are read.
pub(super) mod kind {
    pub const DATASPACE: u16 = 0x1;
    pub const LINK_INFO: u16 = 0x2;
    pub const DATATYPE: u16 = 0x3;
    pub const LINK: u16 = 0x6;
    pub const EXTERNAL_FILES: u16 = 0x7;
    pub const LAYOUT: u16 = 0x8;
    pub const FILTERS: u16 = 0xb;
    pub const ATTRIBUTE: u16 = 0xc;
    pub const CONTINUATION: u16 = 0x10;
    pub const SYMBOL_TABLE: u16 = 0x11;
    pub const ATTRIBUTE_INFO: u16 = 0x15;
}

/// How the messages of a header are framed.
#[derive(Clone, Copy)]
enum Frame {
    Old,
    New { creation_order: bool },
}

/// All messages of the object header at `address`, those of its continuations among them.
pub(super) fn read(file: &File, address: u64) -> Result<Vec<Message>> {
    let place = |error: Error| error.at(format!("object header at {address:#x}"));
    messages(file, address).map_err(place)
}

fn messages(file: &File, address: u64) -> Result<Vec<Message>> {
    let (frame, first) = first_block(file, address)?;
    let mut messages = Vec::new();
    let (mut blocks, mut seen) = (vec![first], HashSet::new());
    while let Some(block) = blocks.pop() {
        let mut fields = file.fields(block);
        while let Some(message) = message(&mut fields, frame)? {
            file.budget().parse(1)?;
            if message.kind == kind::CONTINUATION {
                let mut fields = file.fields(message.body);
                let (at, length) = (fields.defined_address("a continuation")?, fields.length()?);
                if !seen.insert(at) {
                    return Err(Error::malformed("a continuation of the header leads back to one before"));
                }
                blocks.push(continuation(file, at, length, frame)?);
            } else if message.kind != 0 {
                messages.push(message);
            }
        }
    }
    Ok(messages)
}

fn first_block(file: &File, address: u64) -> Result<(Frame, Bytes)> {
    let mut fields = file.at(address)?;
    if fields.clone().signature(b"OHDR", "object header").is_err() {
        fields.version(&[1], "object headers")?;
        fields.skip(7)?;
        let size = fields.u32()?;
        fields.skip(4)?;
        return Ok((Frame::Old, fields.take(size.into(), "an object header")?));
    }
    fields.skip(4)?;
    fields.version(&[2], "object headers")?;
    let flags = fields.u8()?;
    fields.skip(if flags & 0x20 != 0 { 16 } else { 0 })?;
    fields.skip(if flags & 0x10 != 0 { 4 } else { 0 })?;
    let size = fields.uint(1 << (flags & 3))?;
    let messages = fields.take(size, "an object header")?;
    fields.skip(4)?;
    file.checked(address, fields.position() as u64, "object header")?;
    Ok((Frame::New { creation_order: flags & 4 != 0 }, messages))
}

fn continuation(file: &File, address: u64, length: u64, frame: Frame) -> Result<Bytes> {
    match frame {
        Frame::Old => file.slice(address, length),
        Frame::New { .. } => {
            let mut fields = file.fields(file.checked(address, length, "continued object header")?);
            fields.signature(b"OCHK", "continued object header")?;
            fields.take(fields.left().saturating_sub(4) as u64, "a continued object header")
        }
    }
}

/// The next message, if there is room for one.
fn message(fields: &mut Fields, frame: Frame) -> Result<Option<Message>> {
    let (prefix, order) = match frame {
        Frame::Old => (8, false),
        Frame::New { creation_order } => (if creation_order { 6 } else { 4 }, creation_order),
    };
    if fields.left() < prefix {
        return Ok(None);
    }
    let kind = match frame {
        Frame::Old => fields.u16()?,
        Frame::New { .. } => fields.u8()?.into(),
    };
    let size = fields.u16()?;
    let flags = fields.u8()?;
    fields.skip(match (frame, order) {
        (Frame::Old, _) => 3,
        (_, true) => 2,
        _ => 0,
    })?;
    let body = fields.take(size.into(), "a message of an object header")?;
    Ok(Some(Message { kind, shared: flags & 2 != 0, body }))
}

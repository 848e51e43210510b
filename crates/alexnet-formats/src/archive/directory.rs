use super::extra;
use super::member::{Member, Method};
use crate::input::Input;
use crate::shown::shown;
use crate::{Error, Limits, Result};
use bytes::Bytes;

pub(super) const END: [u8; 4] = *b"PK\x05\x06";
const END64: [u8; 4] = *b"PK\x06\x06";
const LOCATOR64: [u8; 4] = *b"PK\x06\x07";
const CENTRAL: [u8; 4] = *b"PK\x01\x02";
const END_LENGTH: usize = 22;
const LOCATOR64_LENGTH: usize = 20;
const END64_LENGTH: usize = 56;

/// Encryption, of the content or of the directory.
const ENCRYPTED: u16 = 1 | 1 << 6 | 1 << 13;

/// Where the central directory lies, and how many members it has.
pub(super) struct Directory {
    pub start: usize,
    pub end: usize,
    pub count: u64,
}

/// Finds the central directory by the end of the archive.
pub(super) fn find(bytes: &Bytes, limits: &Limits) -> Result<Directory> {
    let cut = |what: &str| {
        Error::malformed(format!("the zip {what}")).with_remedy("getting the file again: it is cut off or damaged")
    };
    // The record ends the file, or is followed by a comment whose length it states.
    let window = bytes.len().saturating_sub(END_LENGTH.saturating_add(usize::from(u16::MAX)));
    let tail = bytes.get(window..).unwrap_or_default();
    let found = tail.windows(END.len()).rposition(|four| four == END).and_then(|at| window.checked_add(at));
    let at = found.ok_or_else(|| cut("has no end"))?;
    let mut input = Input::new(bytes.slice(at..));
    input.array::<4>()?;
    let disks = [u16::from_le_bytes(input.array()?), u16::from_le_bytes(input.array()?)];
    let counts = [u16::from_le_bytes(input.array()?), u16::from_le_bytes(input.array()?)];
    let (length, start) = (u32::from_le_bytes(input.array()?), u32::from_le_bytes(input.array()?));
    let comment = u16::from_le_bytes(input.array()?);
    if input.left() != usize::from(comment) {
        return Err(cut("doesn't end where it says"));
    }
    if disks != [0, 0] || counts[0] != counts[1] {
        return Err(Error::refused("the zip is one of several parts").with_remedy("joining them first"));
    }
    let (mut count, mut length, mut start) = (u64::from(counts[0]), u64::from(length), u64::from(start));
    let mut end = at;
    let locator = at.checked_sub(LOCATOR64_LENGTH).and_then(|start| bytes.get(start..at));
    if let Some(locator) = locator.filter(|locator| locator.starts_with(&LOCATOR64)) {
        end = at.saturating_sub(LOCATOR64_LENGTH).checked_sub(END64_LENGTH).ok_or_else(|| cut("has no 64-bit end"))?;
        let mut input = Input::new(Bytes::copy_from_slice(locator));
        input.array::<8>()?;
        if u64::from_le_bytes(input.array()?) != end as u64 {
            return Err(cut("has its 64-bit end elsewhere"));
        }
        let mut input = Input::new(bytes.slice(end..));
        if input.array()? != END64 {
            return Err(cut("has no 64-bit end"));
        }
        if u64::from_le_bytes(input.array()?) != (END64_LENGTH as u64).saturating_sub(12) {
            return Err(cut("has a 64-bit end of another length"));
        }
        input.array::<12>()?;
        let wide = [(); 4].map(|()| input.array().map(u64::from_le_bytes));
        let [disk_count, total_count, wide_length, wide_start] = wide;
        let (disk_count, total_count, wide_length, wide_start) = (disk_count?, total_count?, wide_length?, wide_start?);
        let agree = disk_count == total_count
            && (count == total_count || count == u64::from(u16::MAX))
            && (length == wide_length || length == u64::from(u32::MAX))
            && (start == wide_start || start == u64::from(u32::MAX));
        if !agree {
            return Err(Error::malformed("the zip's two ends contradict each other"));
        }
        (count, length, start) = (total_count, wide_length, wide_start);
    }
    if start.checked_add(length) != Some(end as u64) {
        return Err(Error::malformed("the zip's directory doesn't lie where its end says")
            .with_remedy("getting the file again: it is cut off, damaged, or has something put before it"));
    }
    if count > limits.entries as u64 {
        return Err(Error::limit("entries", format!("a zip of {count} entries"), limits.entries));
    }
    Ok(Directory { start: start as usize, end, count })
}

/// The fields that a record of the directory and a member's own header share, in the order that they share.
pub(super) struct Common {
    pub(super) flags: u16,
    pub(super) method: u16,
    pub(super) crc: u32,
    pub(super) compressed: u64,
    pub(super) size: u64,
}

impl Common {
    pub(super) fn read(input: &mut Input) -> Result<Common> {
        let flags = u16::from_le_bytes(input.array()?);
        let method = u16::from_le_bytes(input.array()?);
        input.array::<4>()?;
        let crc = u32::from_le_bytes(input.array()?);
        let compressed = u32::from_le_bytes(input.array()?).into();
        let size = u32::from_le_bytes(input.array()?).into();
        Ok(Common { flags, method, crc, compressed, size })
    }
}

/// One record of the central directory (APPNOTE 4.3.12).
pub(super) fn record(input: &mut Input, limits: &Limits) -> Result<Member> {
    if input.array()? != CENTRAL {
        return Err(Error::malformed("a record doesn't begin as records do"));
    }
    input.array::<4>()?;
    let Common { flags, method, crc, mut compressed, mut size } = Common::read(input)?;
    let lengths = [(); 3].map(|()| input.array().map(u16::from_le_bytes));
    let [name_length, extra_length, comment_length] = lengths;
    let (name_length, extra_length, comment_length) = (name_length?, extra_length?, comment_length?);
    let disk = u16::from_le_bytes(input.array()?);
    input.array::<6>()?;
    let mut header = u64::from(u32::from_le_bytes(input.array()?));
    if usize::from(name_length) > limits.name_bytes {
        return Err(Error::limit("name_bytes", format!("a name of {name_length} bytes"), limits.name_bytes));
    }
    let name = input.take(name_length.into(), "a name")?;
    let name = match std::str::from_utf8(&name) {
        Ok(name) => name.to_owned(),
        Err(_) => return Err(Error::malformed(format!("the name `{}` isn't UTF-8", shown(&name)))),
    };
    let place = |error: Error| error.at(format!("entry `{}`", shown(name.as_bytes())));
    let extra = input.take(extra_length.into(), "extra fields")?;
    input.take(comment_length.into(), "a comment")?;
    let mut wide = extra::zip64(&extra).map_err(place)?.into_iter();
    for value in [&mut size, &mut compressed, &mut header] {
        if *value == u64::from(u32::MAX) {
            *value = wide.next().ok_or_else(|| place(Error::malformed("a 64-bit size is missing")))?;
        }
    }
    if disk != 0 {
        return Err(place(Error::refused("lies in another part of the zip").with_remedy("joining the parts first")));
    }
    if flags & ENCRYPTED != 0 {
        return Err(place(Error::refused("is encrypted").with_remedy("unpacking it with its password first")));
    }
    let method = match method {
        0 => Method::Stored,
        8 => Method::Deflated,
        other => {
            let error = Error::refused(format!("is compressed by method {other}; stored and deflated are read"));
            return Err(place(error.with_remedy("unpacking it and packing it again with zip")));
        }
    };
    // Deflate can't do better than this.
    let possible = match method {
        Method::Stored => size == compressed,
        Method::Deflated => size <= compressed.saturating_mul(1032),
    };
    if !possible {
        return Err(place(Error::malformed(format!("{compressed} bytes can't hold {size}"))));
    }
    Ok(Member { name, flags, method, crc, compressed, size, header, content: 0..0 })
}

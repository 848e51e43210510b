use super::crc::crc32;
use super::member::{Member, Method};
use super::{extra, local};
use crate::input::Input;
use crate::shown::shown;
use crate::{Error, Limits, Result};
use bytes::Bytes;
use flate2::{Decompress, FlushDecompress, Status};
use std::collections::HashMap;

const END: [u8; 4] = *b"PK\x05\x06";
const END64: [u8; 4] = *b"PK\x06\x06";
const LOCATOR64: [u8; 4] = *b"PK\x06\x07";
const CENTRAL: [u8; 4] = *b"PK\x01\x02";
const END_LENGTH: usize = 22;
const LOCATOR64_LENGTH: usize = 20;
const END64_LENGTH: usize = 56;

/// Encryption, of the content or of the directory.
const ENCRYPTED: u16 = 1 | 1 << 6 | 1 << 13;

/// A zip archive whose directory has been checked against its members' own headers.
#[derive(Debug)]
pub(crate) struct Archive {
    bytes: Bytes,
    members: Vec<Member>,
    by_name: HashMap<String, usize>,
    /// Whether any member has a CRC: PyTorch can be told not to take them (`torch.serialization.set_crc32_options`), and
    /// then writes 0 for all.
    has_checksums: bool,
}

impl Archive {
    /// Whether the bytes begin as a zip archive's do.
    pub fn recognises(bytes: &[u8]) -> bool {
        bytes.starts_with(b"PK\x03\x04") || bytes.starts_with(&END)
    }

    /// Reads the directory, and no content.
    ///
    /// Errs where the archive contradicts itself, is encrypted, or what its members have together once they are decompressed
    /// exceeds [`Limits::decompressed_bytes`] or [`Limits::decompression_ratio`].
    pub fn open(bytes: Bytes, limits: &Limits) -> Result<Archive> {
        let directory = find_directory(&bytes, limits)?;
        let start = directory.start;
        let mut input = Input::new(bytes.slice(directory.start..directory.end));
        let mut members: Vec<Member> = Vec::new();
        let mut by_name = HashMap::new();
        for _ in 0..directory.count {
            let mut member = central(&mut input, limits).map_err(|error| error.at("the zip's directory"))?;
            let place = |error: Error| error.at(format!("zip entry `{}`", shown(member.name.as_bytes())));
            check_name(&member.name).map_err(place)?;
            if by_name.insert(member.name.clone(), members.len()).is_some() {
                return Err(place(Error::malformed("the zip has it twice").with_remedy("packing it again")));
            }
            member.content = local::content(&bytes, &member, start).map_err(place)?;
            members.push(member);
        }
        if input.left() > 0 {
            return Err(Error::malformed(format!("the zip's directory has {} bytes beyond its members", input.left())));
        }
        let has_checksums = members.iter().any(|member| member.crc != 0);
        let archive = Archive { bytes, members, by_name, has_checksums };
        archive.check_overlap()?;
        archive.check_sizes(limits)?;
        Ok(archive)
    }

    /// The names of all members that are no folders, in the directory's order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.members.iter().map(|member| member.name.as_str()).filter(|name| !name.ends_with('/'))
    }

    /// Whether there is a member of this name.
    pub fn contains(&self, name: &str) -> bool {
        self.by_name.contains_key(name)
    }

    /// The content of a member: a slice of the file where it is stored, decompressed where it isn't. `None`: there is none.
    ///
    /// Errs where it isn't as long as its header says, or its CRC is wrong. An archive that was written without any CRC is
    /// believed.
    pub fn read(&self, name: &str) -> Result<Option<Bytes>> {
        let member = self.by_name.get(name).and_then(|index| self.members.get(*index));
        let read = member
            .map(|member| self.content(member).map_err(|e| e.at(format!("zip entry `{}`", shown(name.as_bytes())))));
        read.transpose()
    }

    fn content(&self, member: &Member) -> Result<Bytes> {
        let raw = self.bytes.slice(member.content.clone());
        let content = match member.method {
            Method::Stored => raw,
            Method::Deflated => inflate(&raw, member.size)?,
        };
        if !self.has_checksums {
            return Ok(content);
        }
        let crc = crc32(&content);
        match crc == member.crc {
            true => Ok(content),
            false => Err(Error::malformed(format!("its CRC-32 is {crc:08x}, but should be {:08x}", member.crc))
                .with_remedy("getting the file again: it is damaged")),
        }
    }

    /// Members that share bytes make small files large, and scanners blind.
    fn check_overlap(&self) -> Result<()> {
        let mut sorted: Vec<&Member> = self.members.iter().collect();
        sorted.sort_unstable_by_key(|member| (member.header, member.content.end));
        for pair in sorted.windows(2) {
            if let [first, second] = pair
                && first.content.end as u64 > second.header
            {
                let (first, second) = (shown(first.name.as_bytes()), shown(second.name.as_bytes()));
                return Err(Error::malformed(format!("zip entries `{first}` and `{second}` overlap")));
            }
        }
        Ok(())
    }

    fn check_sizes(&self, limits: &Limits) -> Result<()> {
        let deflated = self.members.iter().filter(|member| member.method == Method::Deflated);
        let total = deflated.fold(0u64, |total, member| total.saturating_add(member.size));
        let seen = format!("{total} bytes once they are decompressed");
        if total > limits.decompressed_bytes {
            return Err(Error::limit("decompressed_bytes", seen, limits.decompressed_bytes));
        }
        let allowed = limits.decompression_ratio.saturating_mul(self.bytes.len() as u64);
        match total > allowed {
            true => {
                let seen = format!("{seen} from a file of {}", self.bytes.len());
                Err(Error::limit("decompression_ratio", seen, limits.decompression_ratio))
            }
            false => Ok(()),
        }
    }
}

/// Where the central directory lies, and how many members it has.
struct Directory {
    start: usize,
    end: usize,
    count: u64,
}

fn find_directory(bytes: &Bytes, limits: &Limits) -> Result<Directory> {
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

/// One record of the central directory (APPNOTE 4.3.12).
fn central(input: &mut Input, limits: &Limits) -> Result<Member> {
    if input.array()? != CENTRAL {
        return Err(Error::malformed("a record doesn't begin as records do"));
    }
    input.array::<4>()?;
    let flags = u16::from_le_bytes(input.array()?);
    let method = u16::from_le_bytes(input.array()?);
    input.array::<4>()?;
    let crc = u32::from_le_bytes(input.array()?);
    let [mut compressed, mut size] =
        [u64::from(u32::from_le_bytes(input.array()?)), u64::from(u32::from_le_bytes(input.array()?))];
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

/// Nothing is ever unpacked to disk, so odd names do no harm here; but no honest archive has them.
fn check_name(name: &str) -> Result<()> {
    let path = name.strip_suffix('/').unwrap_or(name);
    let odd = path.split('/').any(|part| matches!(part, "" | "." | ".."))
        || name.contains(['\\', ':'])
        || name.chars().any(char::is_control);
    match odd {
        true => {
            Err(Error::malformed("the name is absolute, climbs, or isn't portable").with_remedy("packing it again"))
        }
        false => Ok(()),
    }
}

/// Decompresses `raw` into exactly `size` bytes, which are known to be possible and allowed.
fn inflate(raw: &[u8], size: u64) -> Result<Bytes> {
    let size = usize::try_from(size).map_err(|_| Error::malformed("a size beyond this machine's"))?;
    let mut out = Vec::with_capacity(size);
    let mut inflater = Decompress::new(false);
    let status = inflater.decompress_vec(raw, &mut out, FlushDecompress::Finish);
    // A stream that fills the buffer to the last byte still has to show that it ends there.
    let ended = matches!(status, Ok(Status::StreamEnd))
        || (out.len() == size
            && inflater
                .decompress(
                    raw.get(inflater.total_in() as usize..).unwrap_or_default(),
                    &mut [0],
                    FlushDecompress::Finish,
                )
                .is_ok_and(|status| status == Status::StreamEnd));
    match ended && out.len() == size && inflater.total_in() == raw.len() as u64 && inflater.total_out() == size as u64 {
        true => Ok(out.into()),
        false => Err(Error::malformed(format!("{} compressed bytes aren't the {size} that they should be", raw.len()))
            .with_remedy("getting the file again: it is damaged")),
    }
}

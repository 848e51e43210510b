use super::directory::Common;
use super::extra;
use super::member::Member;
use crate::input::Input;
use crate::{Error, Result};
use bytes::Bytes;
use std::ops::Range;

const LOCAL: [u8; 4] = *b"PK\x03\x04";
const DESCRIPTOR: [u8; 4] = *b"PK\x07\x08";
/// Sizes and CRC also stand after the content, and may be missing before it.
const HAS_DESCRIPTOR: u16 = 1 << 3;

/// Where the content of `member` lies, by its local header (APPNOTE 4.3.7), which must say what the directory says.
pub(super) fn content(bytes: &Bytes, member: &Member, directory: usize) -> Result<Range<usize>> {
    let contradicts =
        |what: &str| Error::malformed(format!("its own header has another {what} than the zip's directory"));
    let start = usize::try_from(member.header).ok().filter(|start| *start < directory);
    let start = start.ok_or_else(|| Error::malformed("its header lies outside the zip"))?;
    let mut input = Input::new(bytes.slice(start..directory));
    if input.array()? != LOCAL {
        return Err(Error::malformed("its header isn't where the zip's directory says"));
    }
    input.array::<2>()?;
    let Common { flags, method, crc, mut compressed, mut size } = Common::read(&mut input)?;
    let name_length = u16::from_le_bytes(input.array()?);
    let extra_length = u16::from_le_bytes(input.array()?);
    let name = input.take(name_length.into(), "its name")?;
    let extra = input.take(extra_length.into(), "its extra fields")?;
    if name != member.name.as_bytes() {
        return Err(contradicts("name"));
    }
    if flags != member.flags {
        return Err(contradicts("set of flags"));
    }
    if method != u16::from(member.method) {
        return Err(contradicts("method"));
    }
    let wide = extra::zip64(&extra)?;
    let mut values = wide.iter().copied();
    for value in [&mut size, &mut compressed] {
        if *value == u64::from(u32::MAX) {
            *value = values.next().ok_or_else(|| Error::malformed("a 64-bit size is missing"))?;
        }
    }
    let described = flags & HAS_DESCRIPTOR != 0;
    let stated = (crc, compressed, size);
    let known = (member.crc, member.compressed, member.size);
    if stated != known && !(described && stated == (0, 0, 0)) {
        return Err(contradicts("size or CRC"));
    }
    let begin = start.saturating_add(input.position());
    let length = usize::try_from(member.compressed).ok();
    let end = length.and_then(|length| begin.checked_add(length)).filter(|end| *end <= directory);
    let end = end.ok_or_else(|| {
        Error::malformed(format!("its {} bytes reach into the zip's directory", member.compressed))
            .with_remedy("getting the file again: it is cut off or damaged")
    })?;
    if described {
        check_descriptor(&mut Input::new(bytes.slice(end..directory)), member, wide.is_empty())?;
    }
    Ok(begin..end)
}

/// The descriptor after the content (APPNOTE 4.3.9): with or without signature, in 32 or 64 bits.
fn check_descriptor(input: &mut Input, member: &Member, narrow: bool) -> Result<()> {
    let agrees = |mut input: Input, wide: bool| -> Result<bool> {
        let crc = u32::from_le_bytes(input.array()?);
        let mut size = || match wide {
            true => input.array().map(u64::from_le_bytes),
            false => input.array().map(|bytes| u32::from_le_bytes(bytes).into()),
        };
        Ok((crc, size()?, size()?) == (member.crc, member.compressed, member.size))
    };
    let bare = input.clone();
    let signed = input.array().is_ok_and(|four| four == DESCRIPTOR).then(|| input.clone());
    let forms = [signed, Some(bare)].into_iter().flatten();
    let found = forms
        .flat_map(|form| [(form.clone(), !narrow), (form, narrow)])
        .any(|(form, wide)| agrees(form, wide).unwrap_or(false));
    match found {
        true => Ok(()),
        false => Err(Error::malformed("what follows its content has another size or CRC than the zip's directory")),
    }
}

use super::directory::{self, END};
use super::inflate::inflate;
use super::local;
use super::member::{Member, Method};
use crate::checksum::Checksum;
use crate::input::Input;
use crate::shown::shown;
use crate::{Error, Limits, Result};
use bytes::Bytes;
use std::collections::HashMap;

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
        let directory = directory::find(&bytes, limits)?;
        let start = directory.start;
        let mut input = Input::new(bytes.slice(directory.start..directory.end));
        let mut members: Vec<Member> = Vec::new();
        let mut by_name = HashMap::new();
        for _ in 0..directory.count {
            let mut member = directory::record(&mut input, limits).map_err(|error| error.at("the zip's directory"))?;
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
        let mut checksums = Vec::new();
        let content = self.read_later(name, &mut checksums)?;
        checksums.iter().try_for_each(Checksum::verify)?;
        Ok(content)
    }

    /// As [`Archive::read`], but a CRC isn't held against the content: it is added to `checksums`, for whoever passes over
    /// the content anyway.
    pub fn read_later(&self, name: &str, checksums: &mut Vec<Checksum>) -> Result<Option<Bytes>> {
        let member = self.by_name.get(name).and_then(|index| self.members.get(*index));
        let Some(member) = member else { return Ok(None) };
        let raw = self.bytes.slice(member.content.clone());
        let content = match member.method {
            Method::Stored => raw,
            Method::Deflated => inflate(&raw, member.size)
                .map_err(|error| error.at(format!("zip entry `{}`", shown(name.as_bytes()))))?,
        };
        if self.has_checksums {
            checksums.push(Checksum::new(name, content.clone(), member.crc));
        }
        Ok(Some(content))
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

/// Nothing is ever unpacked to disk, so odd names do no harm here; but no honest archive has them.
fn check_name(name: &str) -> Result<()> {
    let path = name.strip_suffix('/').unwrap_or(name);
    let odd = path.split('/').any(|part| matches!(part, "" | "." | ".."))
        || name.contains('\\')
        // A drive. Elsewhere the colon is Chainer's: `updater/model:main/predictor/conv1/W.npy`.
        || name.as_bytes().get(1) == Some(&b':')
        || name.chars().any(char::is_control);
    match odd {
        true => {
            Err(Error::malformed("the name is absolute, climbs, or isn't portable").with_remedy("packing it again"))
        }
        false => Ok(()),
    }
}

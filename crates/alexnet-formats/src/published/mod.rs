//! Files that were published, recognised by their content's hash: the report then says which one it is, and the hash settles
//! what names and shapes can't, AlexNet or CaffeNet.

mod table;

use crate::Source;
use md5::Md5;
use sha1::Sha1;
use sha2::{Digest, Sha256};
use std::ops::RangeInclusive;

pub use table::TABLE;

/// A file that was published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Published {
    /// The name that it was published under.
    pub file: &'static str,
    /// Whose it is, and which release.
    pub what: &'static str,
    /// How the name of its format in the registry begins.
    pub format: &'static str,
    /// The network, by its name in the registry, where the file doesn't say it itself.
    pub network: Option<&'static str>,
    /// How many bytes it has, or may have where its publisher tells its hash alone.
    pub bytes: RangeInclusive<u64>,
    /// What it begins with; empty where the size tells enough. A file that doesn't isn't hashed.
    pub begins: &'static [u8],
    /// Its hash.
    pub hash: Hash,
}

/// A hash in lower-case hexadecimal: all of it, or as many digits from its beginning as the publisher put into the name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hash {
    /// SHA-256.
    Sha256(&'static str),
    /// SHA-1.
    Sha1(&'static str),
    /// MD5.
    Md5(&'static str),
}

impl Published {
    /// The file of [`TABLE`] that `source` is. Hashes it only where its size and first bytes are those of a file there.
    pub fn recognise(source: &Source) -> Option<&'static Published> {
        Published::recognise_in(TABLE, source)
    }

    /// The same for a table of one's own.
    pub fn recognise_in<'t>(table: &'t [Published], source: &Source) -> Option<&'t Published> {
        find(table, source, None, |_| true)
    }

    /// As [`Published::recognise`], for one who has read the file already and knows its SHA-256: as long as the file is of
    /// another format or, unless it is of the very size, of another network than a published one, it isn't hashed again.
    pub fn recognise_read(source: &Source, format: &str, network: &str, sha256: String) -> Option<&'static Published> {
        find(TABLE, source, Some(sha256), |known| {
            let of_size = known.bytes.start() == known.bytes.end();
            format.starts_with(known.format) && (of_size || known.network.is_none_or(|name| name == network))
        })
    }

    fn may_be(&self, bytes: &[u8]) -> bool {
        self.bytes.contains(&(bytes.len() as u64)) && bytes.starts_with(self.begins)
    }

    /// That a file is this one, in a sentence.
    pub fn note(&self) -> String {
        let kind = match self.hash {
            Hash::Sha256(_) => "SHA-256",
            Hash::Sha1(_) => "SHA-1",
            Hash::Md5(_) => "MD5",
        };
        let network = self.network.map(|network| format!(", network {network}")).unwrap_or_default();
        format!("by its {kind} it is {}: {}{network}", self.file, self.what)
    }
}

/// The first file of the table that may be `source` and is.
fn find<'t>(
    table: &'t [Published],
    source: &Source,
    mut sha256: Option<String>,
    may_be: impl Fn(&Published) -> bool,
) -> Option<&'t Published> {
    let bytes = source.bytes();
    let (mut sha1, mut md5) = (None, None);
    table.iter().filter(|known| known.may_be(&bytes) && may_be(known)).find(|known| match known.hash {
        Hash::Sha256(hash) => sha256.get_or_insert_with(|| hex(&Sha256::digest(&bytes))).starts_with(hash),
        Hash::Sha1(hash) => sha1.get_or_insert_with(|| hex(&Sha1::digest(&bytes))).starts_with(hash),
        Hash::Md5(hash) => md5.get_or_insert_with(|| hex(&Md5::digest(&bytes))).starts_with(hash),
    })
}

fn hex(digest: &[u8]) -> String {
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use alexnet_spec::networks;

    /// `printf abc | sha256sum`, `sha1sum` and `md5sum`.
    const ABC: [Hash; 3] = [
        Hash::Sha256("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        Hash::Sha1("a9993e364706816aba3e25717850c26c9cd0d89d"),
        Hash::Md5("900150983cd24fb0d6963f7d28e17f72"),
    ];

    fn entry(hash: Hash) -> Published {
        Published { file: "abc", what: "three letters", format: "", network: None, bytes: 3..=3, begins: b"a", hash }
    }

    #[test]
    fn a_file_is_known_by_each_kind_of_hash() {
        let abc = Source::from_bytes("x", &b"abc"[..]);
        for hash in ABC {
            assert_eq!(Published::recognise_in(&[entry(hash)], &abc), Some(&entry(hash)));
        }
        let beginning = entry(Hash::Sha256("ba7816bf"));
        assert!(Published::recognise_in(&[beginning], &abc).is_some());
    }

    #[test]
    fn every_part_of_an_entry_must_fit() {
        let abc = Source::from_bytes("x", &b"abc"[..]);
        let right = || entry(ABC[0]);
        let wrong = [
            Published { bytes: 4..=9, ..right() },
            Published { begins: b"b", ..right() },
            Published { hash: Hash::Sha256("ba7816be"), ..right() },
            Published { hash: Hash::Md5("ba7816bf"), ..right() },
        ];
        assert_eq!(Published::recognise_in(&wrong, &abc), None);
    }

    #[test]
    fn the_table_holds_whole_hashes_and_known_networks() {
        for known in TABLE {
            let (digits, whole) = match known.hash {
                Hash::Sha256(digits) => (digits, 64),
                Hash::Sha1(digits) => (digits, 40),
                Hash::Md5(digits) => (digits, 32),
            };
            let in_name = known.file.contains(digits) && digits.len() == 8 && known.bytes.clone().count() == 1;
            assert!(digits.len() == whole || in_name, "{}", known.file);
            assert!(digits.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f')), "{}", known.file);
            assert!(
                crate::formats::FORMATS.iter().any(|format| format.name.starts_with(known.format)),
                "{}",
                known.file
            );
            assert!(known.network.is_none_or(|name| networks::get(name).is_some()), "{}", known.file);
            // Where only the hash is known, the first bytes keep other files from being read for nothing.
            let narrow = known.bytes.end() - known.bytes.start() < 1 << 20;
            assert!(narrow || !known.begins.is_empty(), "{}", known.file);
        }
    }
}

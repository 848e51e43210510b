//! Zip archives, read by one strict parser of our own.
//!
//! Attacks on zip readers live off two parsers that see two archives in one file: the scanner follows the central
//! directory, the loader the local headers, or the other way round. So every fact that the file states twice must be
//! stated the same twice, members may neither overlap nor share a name, and anything that this parser wouldn't use
//! (encryption, many disks, other methods than stored and deflated) is refused instead of skipped. The crate `zip` is
//! lenient here by design, and copies what it reads; a stored member here is a slice of the mapped file.
//!
//! The format is PKWARE's APPNOTE.TXT 6.3.

mod crc;
mod directory;
mod extra;
mod inflate;
mod local;
mod member;
mod reader;

pub(crate) use crc::crc32;
pub(crate) use reader::Archive;

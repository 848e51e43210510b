use crate::input::Input;
use crate::{Error, Result};
use bytes::Bytes;
use std::fmt;

/// The first bytes of a `.weights`: Darknet's version and the number of images that it was trained on.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Header {
    version: [u32; 3],
    seen: u64,
    /// Whether connected layers are stored `[in, out]`.
    pub transposed: bool,
    /// In bytes.
    pub length: usize,
}

/// Three numbers of 4 bytes and one of 8.
const LONGEST: usize = 20;

impl Header {
    /// As `load_weights_upto` reads it.
    pub fn read(bytes: &[u8]) -> Result<Header> {
        let mut input = Input::new(Bytes::copy_from_slice(bytes.get(..LONGEST).unwrap_or(bytes)));
        let mut word = || Ok::<u32, Error>(u32::from_le_bytes(input.array()?));
        let version @ [major, minor, _] = [word()?, word()?, word()?];
        // Since version 0.2 the images are counted in 64 bits; a version above 1000 marks transposed matrices.
        let transposed = major > 1000 || minor > 1000;
        let wide = major.saturating_mul(10).saturating_add(minor) >= 2 && major < 1000 && minor < 1000;
        let seen = if wide { u64::from_le_bytes(input.array()?) } else { word()?.into() };
        Ok(Header { version, seen, transposed, length: input.position() })
    }

    /// Whether a file can begin like this: no version of Darknet's has been above 0.2, and thousands mark a layout.
    pub fn is_plausible(bytes: &[u8]) -> bool {
        Header::read(bytes).is_ok_and(|header| {
            let [major, minor, revision] = header.version;
            major.checked_rem(1000).is_some_and(|major| major < 10)
                && major < 10_000
                && minor < 10_000
                && revision < 100
        })
    }

    /// Whether a file that begins like this, and of which nothing else is known, is likely to be Darknet's.
    pub fn is_likely(bytes: &[u8]) -> bool {
        Header::read(bytes).is_ok_and(|header| {
            matches!(header.version, [0, 1 | 2, 0..=10])
                && bytes.len() > header.length
                && bytes.len().is_multiple_of(size_of::<f32>())
        })
    }
}

impl fmt::Display for Header {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [major, minor, revision] = self.version;
        write!(f, "written by Darknet {major}.{minor}.{revision} after {} images", self.seen)
    }
}

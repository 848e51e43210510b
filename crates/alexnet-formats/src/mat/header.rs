/// The first 128 bytes: a text for people, the version, and two letters that tell the byte order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub version: Version,
    pub order: Order,
}

/// What follows the header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Version {
    /// Data elements, compressed or not.
    Five,
    /// An HDF5 file, whose own bytes begin after 512.
    SevenThree,
}

/// The byte order of every number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    Little,
    Big,
}

impl Header {
    /// Its length in bytes.
    pub const LENGTH: usize = 128;

    /// The header, where the bytes begin with one.
    pub fn read(bytes: &[u8]) -> Option<Header> {
        let text = bytes.get(..Header::LENGTH)?;
        // A version 4 file, which has no header, has a zero among its first bytes.
        if text.iter().take(4).any(|byte| *byte == 0) {
            return None;
        }
        let (version, order) = text.get(124..)?.split_first_chunk::<2>()?;
        let (version, order) = match order {
            b"IM" => (u16::from_le_bytes(*version), Order::Little),
            b"MI" => (u16::from_be_bytes(*version), Order::Big),
            _ => return None,
        };
        let version = match version {
            0x0100 => Version::Five,
            0x0200 => Version::SevenThree,
            _ => return None,
        };
        Some(Header { version, order })
    }
}

impl Order {
    pub fn u16(self, bytes: [u8; 2]) -> u16 {
        match self {
            Order::Little => u16::from_le_bytes(bytes),
            Order::Big => u16::from_be_bytes(bytes),
        }
    }

    pub fn u32(self, bytes: [u8; 4]) -> u32 {
        match self {
            Order::Little => u32::from_le_bytes(bytes),
            Order::Big => u32::from_be_bytes(bytes),
        }
    }

    pub fn u64(self, bytes: [u8; 8]) -> u64 {
        match self {
            Order::Little => u64::from_le_bytes(bytes),
            Order::Big => u64::from_be_bytes(bytes),
        }
    }
}

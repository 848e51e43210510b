use crate::input::Input;
use crate::{Error, Result};
use bytes::Bytes;

/// How many bytes an address and a length have in this file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sizes {
    pub address: u8,
    pub length: u8,
}

/// The fields of a structure, one after the other.
#[derive(Clone, Debug)]
pub(super) struct Fields {
    input: Input,
    sizes: Sizes,
}

impl Fields {
    pub fn new(bytes: Bytes, sizes: Sizes) -> Fields {
        Fields { input: Input::new(bytes), sizes }
    }

    /// How many bytes have been taken.
    pub fn position(&self) -> usize {
        self.input.position()
    }

    /// How many bytes are left.
    pub fn left(&self) -> usize {
        self.input.left()
    }

    pub fn take(&mut self, count: u64, what: &str) -> Result<Bytes> {
        self.input.take(count, what)
    }

    pub fn skip(&mut self, count: u64) -> Result<()> {
        self.take(count, "a structure").map(drop)
    }

    pub fn u8(&mut self) -> Result<u8> {
        self.input.byte()
    }

    pub fn u16(&mut self) -> Result<u16> {
        self.input.array().map(u16::from_le_bytes)
    }

    pub fn u32(&mut self) -> Result<u32> {
        self.input.array().map(u32::from_le_bytes)
    }

    /// A number of up to eight bytes.
    pub fn uint(&mut self, size: u8) -> Result<u64> {
        let bytes = self.input.take(size.into(), "a number")?;
        let mut wide = [0; 8];
        match wide.get_mut(..bytes.len()) {
            Some(low) => low.copy_from_slice(&bytes),
            None => return Err(Error::malformed(format!("a number of {size} bytes"))),
        }
        Ok(u64::from_le_bytes(wide))
    }

    /// A length, or an offset within a heap.
    pub fn length(&mut self) -> Result<u64> {
        self.uint(self.sizes.length)
    }

    /// An address; `None` is HDF5's undefined address, all ones.
    pub fn address(&mut self) -> Result<Option<u64>> {
        let address = self.uint(self.sizes.address)?;
        let unused = 64u32.saturating_sub(u32::from(self.sizes.address).saturating_mul(8));
        Ok(Some(address).filter(|address| *address != u64::MAX.checked_shr(unused).unwrap_or(0)))
    }

    /// An address that has to be there.
    pub fn defined_address(&mut self, what: &str) -> Result<u64> {
        self.address()?.ok_or_else(|| Error::malformed(format!("the address of {what} is undefined")))
    }

    /// Takes the signature with which `what` begins.
    pub fn signature(&mut self, signature: &[u8; 4], what: &str) -> Result<()> {
        match &self.input.array::<4>()? == signature {
            true => Ok(()),
            false => Err(Error::malformed(format!("there is no {what} where one should be"))),
        }
    }

    /// Takes a version, which must be one of `known`.
    pub fn version(&mut self, known: &[u8], what: &str) -> Result<u8> {
        let version = self.u8()?;
        match known.contains(&version) {
            true => Ok(version),
            false => Err(Error::refused(format!("version {version} of {what} isn't known")).with_remedy(super::REPACK)),
        }
    }

    /// Skips to the next multiple of `unit` bytes from the start.
    pub fn align(&mut self, unit: usize) -> Result<()> {
        let over = self.position().checked_rem(unit).unwrap_or_default();
        match over {
            0 => Ok(()),
            over => self.skip(unit.saturating_sub(over).min(self.left()) as u64),
        }
    }
}

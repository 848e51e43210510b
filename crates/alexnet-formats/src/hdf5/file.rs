use super::budget::Budget;
use super::checksum::check_last_four;
use super::fields::{Fields, Sizes};
use super::global_heap::Heaps;
use super::object::Object;
use super::superblock::{self, Superblock};
use crate::{Error, Limits, Result};
use bytes::Bytes;
use std::cell::RefCell;

/// An HDF5 file: its bytes, how to read them, and what reading has cost.
#[derive(Debug)]
pub(crate) struct File {
    /// From the superblock on: all addresses count from there.
    bytes: Bytes,
    superblock: Superblock,
    budget: Budget,
    pub(super) heaps: RefCell<Heaps>,
}

impl File {
    /// Whether the bytes begin as an HDF5 file does, or a user block of it is followed by one.
    pub fn recognises(bytes: &[u8]) -> bool {
        superblock::find(bytes).is_some()
    }

    /// Reads the superblock, and nothing else yet.
    pub fn open(bytes: Bytes, limits: &Limits) -> Result<File> {
        let start = superblock::find(&bytes).ok_or_else(|| Error::malformed("there is no HDF5 signature"))?;
        let content = bytes.slice(start..);
        let superblock = Superblock::read(&content).map_err(|error| error.at("superblock"))?;
        let budget = Budget::new(limits, bytes.len());
        Ok(File { bytes: content, superblock, budget, heaps: RefCell::default() })
    }

    /// The group that holds all others.
    pub fn root(&self) -> Result<Object<'_>> {
        self.object(self.superblock.root)
    }

    /// The object at an address: the target of a link or of an object reference.
    pub fn object(&self, address: u64) -> Result<Object<'_>> {
        Object::read(self, address)
    }

    pub(super) fn budget(&self) -> &Budget {
        &self.budget
    }

    pub(super) fn sizes(&self) -> Sizes {
        self.superblock.sizes
    }

    /// `length` bytes from `address` on: a slice of the file.
    pub(super) fn slice(&self, address: u64, length: u64) -> Result<Bytes> {
        let start = usize::try_from(address).ok();
        let end = usize::try_from(length).ok().and_then(|length| start?.checked_add(length));
        match start.zip(end).filter(|(_, end)| *end <= self.bytes.len()) {
            Some((start, end)) => Ok(self.bytes.slice(start..end)),
            None => Err(Error::malformed(format!(
                "{length} bytes from byte {address} on reach outside the {} of the HDF5 file",
                self.bytes.len()
            ))
            .with_remedy("getting the file again: it is cut off or damaged")),
        }
    }

    /// The same where the bytes end in a checksum of themselves, which is right.
    ///
    /// Whoever reads a structure again pays for its checksum again.
    pub(super) fn checked(&self, address: u64, length: u64, what: &str) -> Result<Bytes> {
        let bytes = self.slice(address, length)?;
        self.budget.parse(bytes.len() / 64)?;
        check_last_four(&bytes, what)?;
        Ok(bytes)
    }

    /// The fields from `address` on.
    pub(super) fn at(&self, address: u64) -> Result<Fields> {
        let rest = (self.bytes.len() as u64).saturating_sub(address);
        Ok(self.fields(self.slice(address, rest)?))
    }

    /// The fields of a structure of this file.
    pub(super) fn fields(&self, bytes: Bytes) -> Fields {
        Fields::new(bytes, self.superblock.sizes)
    }
}

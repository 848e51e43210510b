use crate::{Error, Limits, Result};
use std::cell::Cell;

/// What reading a file has cost so far. Structures of HDF5 refer to each other by address, so a small file can show the same
/// bytes any number of times; counted over the whole file, that ends.
#[derive(Debug)]
pub(super) struct Budget {
    limits: Limits,
    file_bytes: u64,
    objects: Cell<usize>,
    decoded: Cell<u64>,
}

impl Budget {
    pub fn new(limits: &Limits, file_bytes: usize) -> Budget {
        Budget {
            limits: limits.clone(),
            file_bytes: file_bytes as u64,
            objects: Cell::default(),
            decoded: Cell::default(),
        }
    }

    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Counts messages, links, tree nodes, chunks and heap objects: whatever is parsed.
    pub fn parse(&self, count: usize) -> Result<()> {
        let objects = self.objects.get().saturating_add(count);
        self.objects.set(objects);
        match objects > self.limits.objects {
            true => Err(Error::limit("objects", "one more part of the HDF5 file", self.limits.objects)),
            false => Ok(()),
        }
    }

    /// Counts bytes that are about to be allocated for decoded elements.
    pub fn decode(&self, bytes: u64) -> Result<()> {
        let total = self.decoded.get().saturating_add(bytes);
        self.decoded.set(total);
        if total > self.limits.decompressed_bytes {
            let seen = format!("{total} bytes once they are decompressed");
            return Err(Error::limit("decompressed_bytes", seen, self.limits.decompressed_bytes));
        }
        match total > self.limits.decompression_ratio.saturating_mul(self.file_bytes) {
            true => {
                let seen = format!("{total} bytes once they are decompressed, from a file of {}", self.file_bytes);
                Err(Error::limit("decompression_ratio", seen, self.limits.decompression_ratio))
            }
            false => Ok(()),
        }
    }
}

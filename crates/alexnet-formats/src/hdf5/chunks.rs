//! Datasets in chunks: finding them, and putting them together.

use super::file::File;
use super::filters::{self, Filter};
use super::layout::Index;
use super::symbol_table;
use crate::{Error, Result};
use bytes::Bytes;

/// One chunk: where it begins in the dataset, in chunks along each axis, and where it is stored.
struct Chunk {
    place: Vec<usize>,
    address: u64,
    stored: u64,
    skipped: u32,
}

/// A dataset of chunks.
pub(super) struct Chunked<'a> {
    pub file: &'a File,
    pub shape: &'a [usize],
    pub chunk: &'a [usize],
    pub element: usize,
    pub filters: &'a [Filter],
}

impl Chunked<'_> {
    /// The elements in row-major order: a view of the file where one unfiltered chunk holds exactly them.
    pub fn read(&self, index: &Index) -> Result<Bytes> {
        if self.chunk.len() != self.shape.len() {
            return Err(Error::malformed(format!("chunks {:?} of a dataset {:?}", self.chunk, self.shape)));
        }
        let size = bytes(self.shape, self.element)?;
        let chunk_size = bytes(self.chunk, self.element)?;
        if size == 0 {
            return Ok(Bytes::new());
        }
        let grid: Vec<usize> =
            self.shape.iter().zip(self.chunk).map(|(size, chunk)| size.div_ceil((*chunk).max(1))).collect();
        let count = grid.iter().try_fold(1usize, |count, along| count.checked_mul(*along));
        let count = count.ok_or_else(|| Error::malformed("the number of chunks overflows"))?;
        let chunks = self.find(index, &grid, count, chunk_size)?;
        if chunks.len() != count {
            return Err(Error::refused(format!(
                "{} of {count} chunks were never written",
                count.abs_diff(chunks.len())
            )));
        }
        if let ([only], true) = (chunks.as_slice(), self.shape == self.chunk && self.filters.is_empty()) {
            return self.stored(only, chunk_size);
        }
        let budget = self.file.budget();
        budget.decode(size as u64)?;
        let mut out = vec![0; size];
        let mut written = vec![false; count];
        for chunk in &chunks {
            let ordinal = chunk
                .place
                .iter()
                .zip(&grid)
                .fold(0usize, |at, (place, along)| at.saturating_mul(*along).saturating_add(*place));
            let inside = chunk.place.iter().zip(&grid).all(|(place, along)| place < along);
            match written.get_mut(ordinal).filter(|written| inside && !**written) {
                Some(written) => *written = true,
                None => return Err(Error::malformed(format!("chunk {:?} is there twice, or outside", chunk.place))),
            }
            if !self.filters.is_empty() {
                budget.decode(chunk_size as u64)?;
            }
            let content = self.stored(chunk, chunk_size).map_err(|e| e.at(format!("chunk {:?}", chunk.place)))?;
            self.copy(&content, &chunk.place, &mut out)?;
        }
        Ok(out.into())
    }

    fn stored(&self, chunk: &Chunk, size: usize) -> Result<Bytes> {
        filters::undo(self.filters, chunk.skipped, self.file.slice(chunk.address, chunk.stored)?, size)
    }

    fn find(&self, index: &Index, grid: &[usize], count: usize, chunk_size: usize) -> Result<Vec<Chunk>> {
        let unwritten = || Error::refused("the dataset was never written");
        let size = chunk_size as u64;
        match *index {
            Index::Tree(address) => self.tree(address.ok_or_else(unwritten)?),
            Index::Single { address, filtered } => {
                let (stored, skipped) = filtered.unwrap_or((size, 0));
                let address = address.ok_or_else(unwritten)?;
                Ok(vec![Chunk { place: vec![0; grid.len()], address, stored, skipped }])
            }
            Index::Implicit(address) => {
                let address = address.ok_or_else(unwritten)?;
                self.file.budget().parse(count)?;
                let at = |ordinal: usize| address.saturating_add((ordinal as u64).saturating_mul(size));
                let chunk =
                    |ordinal| Chunk { place: place(ordinal, grid), address: at(ordinal), stored: size, skipped: 0 };
                Ok((0..count).map(chunk).collect())
            }
            Index::FixedArray(address) => self.fixed_array(address.ok_or_else(unwritten)?, grid, count, size),
        }
    }

    /// The chunks of a version 1 B-tree, whose keys are sizes, masks and places.
    fn tree(&self, address: u64) -> Result<Vec<Chunk>> {
        let leaves = symbol_table::leaves(self.file, address, 1, |fields| {
            let (stored, skipped) = (fields.u32()?, fields.u32()?);
            let mut place = Vec::with_capacity(self.chunk.len());
            for along in self.chunk {
                let at = usize::try_from(fields.uint(8)?).ok();
                match at.zip(at.and_then(|at| at.checked_rem(*along))) {
                    Some((at, 0)) => place.push(at.checked_div(*along).unwrap_or_default()),
                    _ => return Err(Error::malformed("a chunk begins between chunks")),
                }
            }
            fields.uint(8)?;
            Ok((stored, skipped, place))
        })?;
        let chunk = |leaf: symbol_table::Leaf<(u32, u32, Vec<usize>)>| {
            let (stored, skipped, place) = leaf.key;
            Chunk { place, address: leaf.child, stored: stored.into(), skipped }
        };
        Ok(leaves.into_iter().map(chunk).collect())
    }

    /// The chunks of a fixed array, in row-major order.
    fn fixed_array(&self, address: u64, grid: &[usize], count: usize, size: u64) -> Result<Vec<Chunk>> {
        let mut fields = self.file.at(address)?;
        fields.signature(b"FAHD", "fixed array")?;
        fields.version(&[0], "fixed arrays")?;
        let (filtered, entry, page) = (fields.u8()? == 1, fields.u8()?, fields.u8()?);
        let entries = fields.length()?;
        let block = fields.defined_address("a fixed array's data")?;
        fields.skip(4)?;
        self.file.checked(address, fields.position() as u64, "fixed array")?;
        if entries != count as u64 {
            return Err(Error::malformed(format!("a fixed array of {entries} entries for {count} chunks")));
        }
        if 1u64.checked_shl(page.into()).is_none_or(|page| entries > page) {
            return Err(
                Error::refused(format!("a chunk index of {entries} entries, in pages")).with_remedy(super::REPACK)
            );
        }
        let mut fields = self.file.at(block)?;
        fields.signature(b"FADB", "fixed array's data")?;
        fields.version(&[0], "fixed arrays")?;
        fields.skip(1)?;
        fields.address()?;
        let narrow = self.file.sizes().address.saturating_add(4);
        let mut chunks = Vec::new();
        for ordinal in 0..count {
            self.file.budget().parse(1)?;
            let address = fields.address()?.ok_or_else(|| Error::refused("a chunk was never written"))?;
            let (stored, skipped) = match filtered {
                true => (fields.uint(entry.saturating_sub(narrow))?, fields.u32()?),
                false => (size, 0),
            };
            chunks.push(Chunk { place: place(ordinal, grid), address, stored, skipped });
        }
        fields.skip(4)?;
        self.file.checked(block, fields.position() as u64, "fixed array")?;
        Ok(chunks)
    }

    /// Copies the part of a chunk that lies inside the dataset, row by row along the last axis.
    fn copy(&self, content: &[u8], place: &[usize], out: &mut [u8]) -> Result<()> {
        let overflow = || Error::malformed("a chunk reaches outside its dataset");
        // For each axis: where the chunk begins, and how much of it is inside.
        let mut spans = Vec::with_capacity(place.len());
        for ((place, chunk), size) in place.iter().zip(self.chunk).zip(self.shape) {
            let start = place.checked_mul(*chunk).ok_or_else(overflow)?;
            spans.push((start, size.saturating_sub(start).min(*chunk)));
        }
        let (last_start, row) = spans.last().copied().unwrap_or((0, 1));
        let outer = spans.len().saturating_sub(1);
        let rows = spans.iter().take(outer).try_fold(1usize, |n, (_, inside)| n.checked_mul(*inside));
        let mut index = vec![0usize; outer];
        for _ in 0..rows.ok_or_else(overflow)? {
            let (mut from, mut to) = (0usize, 0usize);
            for (axis, at) in index.iter().enumerate() {
                let along = |sizes: &[usize]| sizes.get(axis).copied().unwrap_or(1);
                let start = spans.get(axis).map_or(0, |span| span.0);
                from = from.saturating_mul(along(self.chunk)).saturating_add(*at);
                to = to.saturating_mul(along(self.shape)).saturating_add(start).saturating_add(*at);
            }
            let widen = |rows: usize, sizes: &[usize]| rows.saturating_mul(sizes.last().copied().unwrap_or(1));
            let from = widen(from, self.chunk).saturating_mul(self.element);
            let to = widen(to, self.shape).saturating_add(last_start).saturating_mul(self.element);
            let length = row.saturating_mul(self.element);
            let source = content.get(from..from.saturating_add(length));
            let target = out.get_mut(to..to.saturating_add(length));
            let (source, target) = source.zip(target).ok_or_else(overflow)?;
            target.copy_from_slice(source);
            for (at, (_, inside)) in index.iter_mut().zip(&spans).rev() {
                *at = at.saturating_add(1);
                if *at < *inside {
                    break;
                }
                *at = 0;
            }
        }
        Ok(())
    }
}

/// The place of a chunk by its number in row-major order.
fn place(mut ordinal: usize, grid: &[usize]) -> Vec<usize> {
    let mut place: Vec<usize> = grid
        .iter()
        .rev()
        .map(|along| {
            let at = ordinal.checked_rem(*along).unwrap_or_default();
            ordinal = ordinal.checked_div(*along).unwrap_or_default();
            at
        })
        .collect();
    place.reverse();
    place
}

/// How many bytes the elements of a shape have.
pub(super) fn bytes(shape: &[usize], element: usize) -> Result<usize> {
    let bytes = shape.iter().try_fold(element, |bytes, size| bytes.checked_mul(*size));
    bytes.ok_or_else(|| Error::malformed(format!("the size of shape {shape:?} overflows")))
}

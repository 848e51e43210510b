//! A view's elements in row-major order, copied into pieces of bounded size.

use super::Tensor;

/// The size of the pieces in which a view is gathered.
const CHUNK: usize = 1 << 18;

/// The largest piece that is handed on.
const PIECE: usize = 1 << 20;

/// A transposed view is gathered by so many bytes at once: enough rows of the result that what is read of each row of the source
/// are whole cache lines, several of them in a row.
const BLOCK: usize = 1 << 21;

/// Rows and columns of the tiles in which a block is transposed: 16 elements of 4 bytes are a cache line, so that each line of
/// either side is touched once.
const TILE: usize = 16;

/// Dimensions and the steps along them in elements.
type Axes = Vec<(usize, isize)>;

/// Hands the elements of a view that isn't contiguous to `sink`, a piece at a time.
pub(super) fn gather<E>(tensor: &Tensor, sink: &mut dyn FnMut(&[u8]) -> Result<(), E>) -> Result<(), E> {
    match tensor.dtype.size() {
        8 => Gather::<8>::new(tensor).run(sink),
        4 => Gather::<4>::new(tensor).run(sink),
        2 => Gather::<2>::new(tensor).run(sink),
        _ => Gather::<1>::new(tensor).run(sink),
    }
}

struct Gather<'a, const SIZE: usize> {
    /// The storage as elements; these need not be aligned to their size within the shared bytes.
    elements: &'a [[u8; SIZE]],
    first: usize,
    axes: Axes,
}

impl<'a, const SIZE: usize> Gather<'a, SIZE> {
    fn new(tensor: &'a Tensor) -> Self {
        let elements = tensor.bytes[tensor.offset % SIZE..].as_chunks().0;
        let axes = tensor.dims.iter().copied().zip(tensor.strides.iter().copied());
        Gather { elements, first: tensor.offset / SIZE, axes: merged(axes) }
    }

    fn run<E>(&self, sink: &mut dyn FnMut(&[u8]) -> Result<(), E>) -> Result<(), E> {
        if self.axes.iter().any(|(size, _)| *size == 0) {
            return Ok(());
        }
        let unit = self.axes.iter().position(|(_, stride)| *stride == 1);
        match unit.map(|unit| self.axes.split_at(unit)) {
            Some((outer, [(length, _), inner @ ..])) if !inner.is_empty() && block_rows::<SIZE>(inner) >= TILE => {
                self.transposed(outer, *length, inner, sink)
            }
            _ => self.by_rows(sink),
        }
    }

    /// Along the last axis, element by element, or all at once where they lie side by side.
    fn by_rows<E>(&self, sink: &mut dyn FnMut(&[u8]) -> Result<(), E>) -> Result<(), E> {
        let (&(length, stride), outer) = self.axes.split_last().unwrap_or((&(1, 1), &[]));
        let mut buffer: Vec<[u8; SIZE]> = Vec::with_capacity(CHUNK / SIZE);
        let mut sink = |elements: &[[u8; SIZE]]| sink(elements.as_flattened());
        for start in positions(outer, self.first) {
            for begin in (0..length).step_by(CHUNK / SIZE) {
                let count = (length - begin).min(CHUNK / SIZE);
                if buffer.len() + count > CHUNK / SIZE {
                    sink(&buffer)?;
                    buffer.clear();
                }
                let at = start.wrapping_add_signed(begin as isize * stride);
                match stride {
                    1 => buffer.extend_from_slice(&self.elements[at..at + count]),
                    _ => buffer.extend((0..count).map(|i| self.elements[at.wrapping_add_signed(i as isize * stride)])),
                }
            }
        }
        if buffer.is_empty() { Ok(()) } else { sink(&buffer) }
    }

    /// Where the elements that lie side by side belong to `length` rows of the result, each of which has the elements of
    /// `inner`: as many rows at a time as a block holds, in tiles.
    fn transposed<E>(
        &self,
        outer: &[(usize, isize)],
        length: usize,
        inner: &[(usize, isize)],
        sink: &mut dyn FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        let width: usize = inner.iter().map(|(size, _)| size).product();
        let rows = block_rows::<SIZE>(inner).min(length);
        let mut block = vec![[0; SIZE]; rows * width];
        let mut tile = [[[0; SIZE]; TILE]; TILE];
        for start in positions(outer, self.first) {
            for begin in (0..length).step_by(rows) {
                let rows = rows.min(length - begin);
                let mut columns = positions(inner, start + begin);
                for column in (0..width).step_by(TILE) {
                    let mut sources = [0; TILE];
                    let count = sources.iter_mut().zip(&mut columns).map(|(source, at)| *source = at).count();
                    for row in (0..rows).step_by(TILE) {
                        let high = (rows - row).min(TILE);
                        for (line, &at) in tile.iter_mut().zip(&sources[..count]) {
                            line[..high].copy_from_slice(&self.elements[at + row..at + row + high]);
                        }
                        for (index, line) in block[row * width..].chunks_mut(width).take(high).enumerate() {
                            for (element, source) in line[column..column + count].iter_mut().zip(&tile) {
                                *element = source[index];
                            }
                        }
                    }
                }
                block[..rows * width].as_flattened().chunks(PIECE).try_for_each(&mut *sink)?;
            }
        }
        Ok(())
    }
}

/// How many rows of a transposed result a block has: whole tiles, or too few for tiles to be of use.
fn block_rows<const SIZE: usize>(inner: &[(usize, isize)]) -> usize {
    let width: usize = inner.iter().map(|(size, _)| size).product();
    match BLOCK / (width * SIZE).max(1) {
        // A row of the result may be long: a few of them are still a bounded piece.
        0..TILE if width * SIZE <= BLOCK / 4 => TILE,
        rows => rows / TILE * TILE,
    }
}

/// Without axes of one place, and with those in one that step on where the next one ends.
fn merged(axes: impl Iterator<Item = (usize, isize)>) -> Axes {
    let mut merged = Axes::new();
    for (size, stride) in axes.filter(|(size, _)| *size != 1) {
        match merged.last_mut() {
            Some(last) if last.1 == stride.wrapping_mul(size as isize) => *last = (last.0 * size, stride),
            _ => merged.push((size, stride)),
        }
    }
    merged
}

/// Where the places of `axes` lie, in row-major order, the first one at `start`.
fn positions(axes: &[(usize, isize)], start: usize) -> impl Iterator<Item = usize> {
    let mut index = vec![0; axes.len()];
    let mut next = Some(start);
    std::iter::from_fn(move || {
        let current = next?;
        let mut at = current;
        next = None;
        for (index, (size, stride)) in index.iter_mut().zip(axes).rev() {
            *index += 1;
            at = at.wrapping_add_signed(*stride);
            if *index < *size {
                next = Some(at);
                break;
            }
            at = at.wrapping_add_signed(-(*size as isize) * stride);
            *index = 0;
        }
        Some(current)
    })
}

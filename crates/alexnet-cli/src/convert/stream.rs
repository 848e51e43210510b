//! The way of a parameter's bytes into an output.

use crate::console::Console;
use crate::staging::Staged;
use alexnet_formats::Source;
use indicatif::ProgressBar;
use std::fs::File;
use std::io::{self, BufWriter, Seek, SeekFrom, Write};

/// What is handed to the system at once. In larger pieces what is read falls out of the second cache before it is written.
const PIECE: usize = 1 << 20;

/// An output from some place on, with a bar.
///
/// Bytes that come as they lie in the mapped source are read from its file into a small buffer, never through the map: a
/// write from mapped pages has to map each of them first, which costs as much as copying it.
pub(super) struct Stream<'a> {
    file: BufWriter<&'a mut File>,
    source: &'a Source,
    buffer: Vec<u8>,
    bar: ProgressBar,
}

impl<'a> Stream<'a> {
    /// A stream that begins at byte `start` of an output, where `size` bytes will follow.
    ///
    /// Errs where there is no room for them.
    pub(super) fn new(
        staged: &'a mut Staged,
        start: u64,
        size: u64,
        source: &'a Source,
        console: Console,
    ) -> io::Result<Stream<'a>> {
        let name = staged.target().file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        staged.reserve(start.saturating_add(size))?;
        let file = staged.file();
        file.seek(SeekFrom::Start(start))?;
        let bar = console.bar(size, &name);
        Ok(Stream { file: BufWriter::with_capacity(1 << 16, file), source, buffer: Vec::new(), bar })
    }
}

impl Write for Stream<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let piece = bytes.get(..PIECE).unwrap_or(bytes);
        let written = match self.source.locate(piece).filter(|_| piece.len() > self.file.capacity()) {
            Some((source, offset)) => {
                self.buffer.resize(PIECE, 0);
                let buffer = self.buffer.get_mut(..piece.len()).unwrap_or_default();
                let buffer = if read_at(source, buffer, offset)? { &*buffer } else { piece };
                self.file.write_all(buffer).map(|()| piece.len())?
            }
            None => self.file.write(piece)?,
        };
        self.bar.inc(written as u64);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Drop for Stream<'_> {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

/// Fills `buffer` from byte `offset` on; false where the system has no such call.
#[cfg(unix)]
fn read_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<bool> {
    std::os::unix::fs::FileExt::read_exact_at(file, buffer, offset).map(|()| true)
}

#[cfg(not(unix))]
fn read_at(_: &File, _: &mut [u8], _: u64) -> io::Result<bool> {
    Ok(false)
}

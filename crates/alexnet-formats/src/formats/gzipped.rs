//! A gzip (RFC 1952) around one checkpoint: decompressed in memory, and the checkpoint read. cuda-convnet's own loader takes
//! its checkpoints so.

use super::Format;
use crate::{Checkpoint, Error, Limits, Result, Source};
use flate2::bufread::GzDecoder;
use std::io::Read;

pub(super) const FORMAT: Format =
    Format { name: "gzipped", about: "a gzip around one checkpoint of another format", recognises, read };

const MAGIC: &[u8] = &[0x1f, 0x8b];

fn recognises(source: &Source, _: &Limits) -> bool {
    source.bytes().starts_with(MAGIC)
}

fn read(source: &Source, limits: &Limits) -> Result<Checkpoint> {
    let inner = Source::from_bytes("the content of the gzip", gunzip(&source.bytes(), limits)?).beside(source);
    if inner.bytes().starts_with(MAGIC) {
        return Err(Error::refused("a gzip around a gzip").with_remedy("gunzip"));
    }
    super::believed(super::read(&inner, limits)).map_err(|error| error.at("gzip"))
}

/// The content, held against its CRC and length; a gzip doesn't say beforehand how much it will be.
fn gunzip(bytes: &[u8], limits: &Limits) -> Result<Vec<u8>> {
    let ratio = limits.decompression_ratio.saturating_mul(bytes.len() as u64);
    let most = ratio.min(limits.decompressed_bytes);
    let mut decoder = GzDecoder::new(bytes);
    let mut content = Vec::new();
    let read = decoder.by_ref().take(most.saturating_add(1)).read_to_end(&mut content);
    read.map_err(|error| {
        Error::malformed(format!("the gzip is damaged: {error}"))
            .with_remedy("getting the file again: it is cut off or damaged")
    })?;
    if content.len() as u64 > most {
        let (name, allowed) = match ratio > limits.decompressed_bytes {
            true => ("decompressed_bytes", limits.decompressed_bytes),
            false => ("decompression_ratio", limits.decompression_ratio),
        };
        return Err(Error::limit(name, format!("more than {most} bytes from a gzip of {}", bytes.len()), allowed));
    }
    match decoder.into_inner() {
        [] => Ok(content),
        rest => Err(Error::malformed(format!("{} bytes after the end of the gzip", rest.len()))),
    }
}

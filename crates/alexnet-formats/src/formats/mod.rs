//! The containers that checkpoints come in. A format is one file here and one line in [`FORMATS`]; it knows bytes and
//! names, and nothing of AlexNet.

mod safetensors;

use crate::{Checkpoint, Error, Limits, Result, Source};

/// A container: how it is recognised, and how it is read.
#[derive(Debug)]
pub struct Format {
    /// The name in reports and provenance: `pytorch-zip`.
    pub name: &'static str,
    /// One line for people.
    pub about: &'static str,
    /// Whether the content is of this format. Looks at the content alone and at little of it.
    pub(crate) recognises: fn(&Source, &Limits) -> bool,
    /// Reads it.
    pub(crate) read: fn(&Source, &Limits) -> Result<Checkpoint>,
}

/// Every format that is read; the first that recognises the content reads it.
pub const FORMATS: &[&Format] = &[&safetensors::FORMAT];

/// Reads a checkpoint of any of the [`FORMATS`], told apart by content, never by extension.
///
/// Errs where the content is of no known format or contradicts its own, holds what is refused, or exceeds a limit.
pub fn open(source: &Source, limits: &Limits) -> Result<Checkpoint> {
    let found = FORMATS.iter().find(|format| (format.recognises)(source, limits));
    let read = found.map(|format| (format.read)(source, limits));
    read.unwrap_or_else(|| Err(Error::refused("is of no known format")))
        .map_err(|error| error.in_file(source.file_name()))
}

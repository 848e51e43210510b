//! The containers that checkpoints come in. A format is one file here and one line in [`FORMATS`]; it knows bytes and
//! names, and nothing of AlexNet.

#![cfg_attr(
    not(test),
    deny(
        clippy::arithmetic_side_effects,
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::panic,
        clippy::unwrap_used
    )
)]

mod foreign;
mod pickle;
mod pytorch;
mod pytorch_legacy;
mod pytorch_tar;
mod pytorch_zip;
mod safetensors;
mod torchscript;
mod zipped;

use crate::{Checkpoint, Limits, Result, Source};

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
pub const FORMATS: &[&Format] = &[
    &torchscript::FORMAT,
    &pytorch_zip::FORMAT,
    &pytorch_legacy::FORMAT,
    &pytorch_tar::FORMAT,
    &zipped::FORMAT,
    &safetensors::FORMAT,
    &pickle::FORMAT,
];

/// Reads a checkpoint of any of the [`FORMATS`], told apart by content, never by extension.
///
/// Errs where the content is of no known format or contradicts its own, holds what is refused, or exceeds a limit.
pub fn open(source: &Source, limits: &Limits) -> Result<Checkpoint> {
    read(source, limits).map_err(|error| error.in_file(source.file_name()))
}

fn read(source: &Source, limits: &Limits) -> Result<Checkpoint> {
    match FORMATS.iter().find(|format| (format.recognises)(source, limits)) {
        Some(format) => (format.read)(source, limits),
        None => Err(foreign::refuse(source, limits)),
    }
}

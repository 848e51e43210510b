//! Darknet's `.weights` with the `.cfg` that says what is in it (pjreddie/darknet, `src/parser.c`).
//!
//! A `.weights` is a header of a few numbers and then nothing but floats: no name, no shape, no end mark. It is recognised
//! only beside a `--cfg`, and believed only where its length is exactly what that says.

use super::Format;
use crate::darknet::{Header, describe};
use crate::{Checkpoint, Error, Limits, Result, Source};

pub(super) const FORMAT: Format = Format {
    name: "darknet",
    about: "Darknet's .weights, with --cfg its .cfg",
    recognises: |source, _| source.cfg().is_some() && Header::is_plausible(&source.bytes()),
    read,
};

fn read(source: &Source, limits: &Limits) -> Result<Checkpoint> {
    let cfg = source.cfg().ok_or_else(|| Error::refused("has no .cfg beside it").with_remedy("--cfg FILE"))?;
    let described = describe(&cfg.bytes(), limits).map_err(|error| error.in_file(cfg.file_name()))?;
    let (mut graph, group) = described.fill(&source.bytes())?;
    graph.name = cfg.path().file_stem().map(|stem| stem.to_string_lossy().into_owned());
    Ok(Checkpoint::described(FORMAT.name, graph, vec![group]))
}

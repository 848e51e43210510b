//! A zip around one checkpoint, as some model zoos hand them out (`alexnet.pth.zip`): opened, and the checkpoint read.

use super::Format;
use crate::archive::Archive;
use crate::shown::shown;
use crate::{Checkpoint, Error, Limits, Result, Source};

pub(super) const FORMAT: Format =
    Format { name: "zipped", about: "a zip around one checkpoint of another format", recognises, read };

fn recognises(source: &Source, limits: &Limits) -> bool {
    Archive::recognises(&source.bytes())
        && Archive::open(source.bytes(), limits).is_ok_and(|archive| content(&archive).is_some())
}

fn read(source: &Source, limits: &Limits) -> Result<Checkpoint> {
    let archive = Archive::open(source.bytes(), limits)?;
    let name = content(&archive).unwrap_or_default().to_owned();
    let bytes = archive.read(&name)?.unwrap_or_default();
    let inner = Source::from_bytes(&name, bytes).beside(source);
    let place = |error: Error| error.at(format!("zip entry `{}`", shown(name.as_bytes())));
    if Archive::recognises(&inner.bytes()) && recognises(&inner, limits) {
        return Err(place(Error::refused("is again a zip around a file").with_remedy("unpacking it")));
    }
    super::believed(super::read(&inner, limits)).map_err(place)
}

/// The only member, leaving aside what macOS adds to every zip.
fn content(archive: &Archive) -> Option<&str> {
    let mut names = archive.names().filter(|name| !name.starts_with("__MACOSX/") && !name.ends_with(".DS_Store"));
    let first = names.next()?;
    (names.next().is_none() && super::pytorch_zip::folder(first).is_none()).then_some(first)
}

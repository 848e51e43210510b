//! Checkpoints as the command line gives them: with the files that belong to them and what the user has settled.

use crate::args::Common;
use alexnet_formats::formats::left_aside;
use alexnet_formats::{Checkpoint, Companions, ImportOptions, Imported, Limits, Map, MeanFile, Published, Source};
use anyhow::{Context, Result, bail, ensure};
use std::path::Path;

/// Opens the checkpoint at `path` with the files that the options put beside it.
pub fn open(path: &Path, common: &Common, limits: &Limits) -> Result<Source> {
    let companion = |option: &str, file: &Option<std::path::PathBuf>| {
        file.as_deref().map(|path| self::file(path, limits)).transpose().context(option.to_owned())
    };
    let prototxt = companion("--prototxt", &common.prototxt)?;
    let cfg = companion("--cfg", &common.cfg)?;
    Ok(Source::open(path, limits)?.with_companions(Companions { prototxt, cfg }))
}

/// Opens a file that an option names, which a folder can't be.
fn file(path: &Path, limits: &Limits) -> Result<Source> {
    let source = Source::open(path, limits)?;
    ensure!(source.folder().is_none(), "{}: is a folder; try one of the files in it", path.display());
    Ok(source)
}

/// Errs where the user gave a file that says what the network computes, and the checkpoint is of a format that doesn't take
/// it: the result would be another network than the user has in mind.
pub fn check_companions(source: &Source, checkpoint: &Checkpoint) -> Result<()> {
    match left_aside(source, checkpoint.format).next() {
        Some((option, whose)) => {
            bail!("{option} goes with {whose}, but this file is of format {}; try without it", checkpoint.format)
        }
        None => Ok(()),
    }
}

/// Makes `checkpoint`, which is `source`'s, a network with weights.
///
/// Whether the file was published is looked up, which takes a pass over it, only where nothing else settles the network.
pub fn import(source: &Source, checkpoint: &Checkpoint, options: &ImportOptions) -> Result<Imported> {
    let by_itself = alexnet_formats::import(checkpoint, options);
    if by_itself.as_ref().is_ok_and(|imported| imported.report.guessed.is_empty()) {
        return Ok(by_itself?);
    }
    match Published::recognise(source).cloned() {
        None => Ok(by_itself?),
        published => Ok(alexnet_formats::import(checkpoint, &ImportOptions { published, ..options.clone() })?),
    }
}

/// What the user has settled beforehand.
pub fn options(common: &Common, limits: &Limits) -> Result<ImportOptions> {
    let mean = |file: &std::path::PathBuf| {
        let source = self::file(file, limits)?;
        anyhow::Ok(MeanFile::read(&source, limits)?)
    };
    let map = |file: &std::path::PathBuf| anyhow::Ok(Map::read(&self::file(file, limits)?, limits)?);
    Ok(ImportOptions {
        network: common.network()?,
        key: common.key.clone(),
        rgb: common.rgb,
        mean: common.mean.as_ref().map(mean).transpose().context("--mean")?,
        published: None,
        map: common.map.as_ref().map(map).transpose().context("--map")?,
    })
}

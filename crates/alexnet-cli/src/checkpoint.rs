//! Checkpoints as the command line gives them: with the files that belong to them and what the user has settled.

use crate::args::Common;
use alexnet_formats::{Companions, ImportOptions, Limits, Map, MeanFile, Published, Source};
use anyhow::{Context, Result};
use std::path::Path;

/// Opens the checkpoint at `path` with the files that the options put beside it.
pub fn open(path: &Path, common: &Common, limits: &Limits) -> Result<Source> {
    let companion = |option: &str, file: &Option<std::path::PathBuf>| {
        file.as_deref().map(|file| Source::open(file, limits)).transpose().context(option.to_owned())
    };
    let prototxt = companion("--prototxt", &common.prototxt)?;
    let cfg = companion("--cfg", &common.cfg)?;
    Ok(Source::open(path, limits)?.with_companions(Companions { prototxt, cfg }))
}

/// What the user has settled beforehand, and what is known of `source` if it was published.
pub fn options(source: &Source, common: &Common, limits: &Limits) -> Result<ImportOptions> {
    let mean = |file: &std::path::PathBuf| {
        let source = Source::open(file, limits)?;
        MeanFile::read(&source, limits)
    };
    let map = |file: &std::path::PathBuf| Map::read(&Source::open(file, limits)?, limits);
    Ok(ImportOptions {
        network: common.network()?,
        key: common.key.clone(),
        rgb: common.rgb,
        mean: common.mean.as_ref().map(mean).transpose().context("--mean")?,
        published: Published::recognise(source).cloned(),
        map: common.map.as_ref().map(map).transpose().context("--map")?,
    })
}

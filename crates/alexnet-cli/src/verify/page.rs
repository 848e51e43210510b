//! The file that `--report` asks for.

use super::check::Outcome;
use super::run::Check;
use crate::html;
use crate::staging::{Staged, publish};
use anyhow::{Context, Result, ensure};
use std::fs::File;
use std::io::{Read, Write};
use std::path::Path;

/// A page that isn't written yet.
pub(super) struct Page(Staged);

impl Page {
    /// Makes sure, before anything runs, that the page can be written. An older page of that name will be replaced.
    ///
    /// Errs where the folder can't be written, and where the name is that of something else: a model that was meant to be B.
    pub fn create(path: &Path) -> Result<Page> {
        if path.symlink_metadata().is_ok() {
            let mut start = Vec::new();
            let file = File::open(path).with_context(|| format!("--report {}", path.display()))?;
            let read = file.take(html::START.len() as u64).read_to_end(&mut start);
            ensure!(
                read.is_ok() && start == html::START.as_bytes(),
                "--report {}: it exists and is no report; try another name",
                path.display()
            );
        }
        Ok(Page(Staged::create(path)?))
    }

    /// Writes what was found. The page appears whole or not at all.
    pub fn write(mut self, what: &Check<'_>, outcome: &Outcome<'_>) -> Result<()> {
        let command = std::env::args_os().map(|word| word.to_string_lossy().into_owned()).collect();
        let evidence = html::collect(what, outcome, command)?;
        self.0.file().write_all(html::render(&outcome.report, &evidence).as_bytes())?;
        publish(vec![self.0], true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_replaces_a_page_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out.html");
        assert!(Page::create(&path).is_ok());
        std::fs::write(&path, format!("{}...", html::START)).unwrap();
        assert!(Page::create(&path).is_ok());
        for other in ["", "weights", "<!DOCTYPE html><p>a page of somebody's</p>"] {
            std::fs::write(&path, other).unwrap();
            let error = Page::create(&path).err().expect("refused").to_string();
            assert!(error.contains("is no report"), "{error}");
        }
        assert!(Page::create(folder.path()).is_err());
        assert!(Page::create(&folder.path().join("missing/out.html")).is_err());
    }
}

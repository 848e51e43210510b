//! `--save`: everything that a comparison ran on and what came out, as files that `--fixtures` takes back.
//!
//! The folder holds a safetensors file for each input, with the reference's `logits` (and layers) as its recorded outputs; a
//! folder `outputs` with a folder for each run, of files of the same names; and a manifest. It appears whole or not at all.

use super::check::Outcome;
use super::run::{Check, Run};
use crate::array::Array;
use crate::files::folder;
use crate::runtimes::{Values, values};
use anyhow::{Context, Result, ensure};
use safetensors::tensor::{Dtype, TensorView, serialize_to_file};
use serde::Serialize;
use std::collections::{BTreeMap, HashMap};
use std::fs::{self, File};
use std::path::{Path, PathBuf};

/// A folder that is to be written.
pub(super) struct Recording {
    target: PathBuf,
}

/// What `manifest.json` says.
#[derive(Serialize)]
struct Manifest<'a> {
    schema: &'static str,
    version: &'static str,
    /// The command line.
    command: Vec<String>,
    agreed: bool,
    verdict: &'a str,
    a: &'a super::report::Side,
    b: Option<&'a super::report::Side>,
    fixtures: Vec<Entry>,
}

/// An input and the files that it is in.
#[derive(Serialize)]
struct Entry {
    name: String,
    /// Its own file, with the reference's outputs.
    file: Recorded,
    /// Each run's outputs, by its name.
    outputs: BTreeMap<String, Recorded>,
}

#[derive(Serialize)]
struct Recorded {
    path: String,
    bytes: u64,
    sha256: String,
}

impl Recording {
    /// Errs where the folder exists and isn't empty, or can't be made.
    pub fn new(target: &Path) -> Result<Recording> {
        let place = || format!("--save {}", target.display());
        if target.symlink_metadata().is_ok() {
            let empty = target.is_dir() && target.read_dir().with_context(place)?.next().is_none();
            ensure!(empty, "{}: it exists and is no empty folder; name a new one", place());
        }
        ensure!(folder(target).is_dir(), "{}: the folder above doesn't exist; make it first", place());
        Ok(Recording { target: target.to_owned() })
    }

    /// Writes everything; layers where they were asked for.
    pub fn write(self, what: &Check<'_>, outcome: &Outcome<'_>) -> Result<PathBuf> {
        let place = || format!("--save {}", self.target.display());
        let unfinished = unfinished(&folder(&self.target)).with_context(place)?;
        self.fill(unfinished.path(), what, outcome).with_context(place)?;
        // A rename replaces an empty folder, where the system has that.
        if fs::rename(unfinished.path(), &self.target).is_err() {
            let _ = fs::remove_dir(&self.target);
            fs::rename(unfinished.path(), &self.target).with_context(place)?;
        }
        // It has another name now, and stays.
        let _ = unfinished.keep();
        Ok(self.target)
    }

    fn fill(&self, root: &Path, what: &Check<'_>, outcome: &Outcome<'_>) -> Result<()> {
        let names: Vec<String> = what.fixtures.iter().enumerate().map(|(i, f)| file_name(i, &f.name)).collect();
        let mut entries: Vec<Entry> = Vec::new();
        for (at, run) in outcome.runs.iter().filter(|run| run.failed.is_none()).enumerate() {
            let below = format!("outputs/{}", plain(&run.name));
            fs::create_dir_all(root.join(&below))?;
            let mut runtime = what.layers.then(|| what.open(&run.launcher)).transpose()?;
            for (index, (fixture, name)) in what.fixtures.iter().zip(&names).enumerate() {
                let mut outputs = outputs(run, index);
                if let (Some(runtime), Some(network)) = (&mut runtime, what.network) {
                    let taps: Vec<String> = network.layers.iter().map(|layer| layer.name.clone()).collect();
                    let layers = values(runtime.as_mut(), &fixture.input, &taps)?;
                    for (layer, value) in layers {
                        // The logits are those that were compared.
                        outputs.entry(layer).or_insert(value);
                    }
                }
                let path = format!("{below}/{name}");
                let recorded = write(root, &path, &outputs, &fixture.name, &run.name)?;
                if at == 0 {
                    outputs.remove("probabilities");
                    outputs.insert("input".into(), fixture.input.clone());
                    let file = write(root, name, &outputs, &fixture.name, &run.name)?;
                    entries.push(Entry { name: fixture.name.clone(), file, outputs: BTreeMap::new() });
                }
                if let Some(entry) = entries.get_mut(index) {
                    entry.outputs.insert(run.name.clone(), recorded);
                }
            }
        }
        let report = &outcome.report;
        let manifest = Manifest {
            schema: "alexnet-verify-record/1",
            version: env!("CARGO_PKG_VERSION"),
            command: std::env::args_os().map(|argument| argument.to_string_lossy().into_owned()).collect(),
            agreed: report.agreed,
            verdict: &report.verdict,
            a: &report.a,
            b: report.b.as_ref(),
            fixtures: entries,
        };
        fs::write(root.join("manifest.json"), serde_json::to_string_pretty(&manifest)? + "\n")?;
        for file in [root.join("manifest.json"), root.to_owned()] {
            // Folders can't be synced everywhere.
            let _ = File::open(file).and_then(|file| file.sync_all());
        }
        Ok(())
    }
}

/// What a run gave for an input.
fn outputs(run: &Run<'_>, index: usize) -> Values {
    let logits = run.logits.get(index).map(|value| ("logits".to_owned(), value.clone()));
    let probabilities = run.probabilities.get(index).map(|value| ("probabilities".to_owned(), value.clone()));
    logits.into_iter().chain(probabilities).collect()
}

fn write(root: &Path, path: &str, arrays: &BTreeMap<String, Array>, fixture: &str, run: &str) -> Result<Recorded> {
    let bytes = |array: &Array| array.data.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<u8>>();
    let owned: Vec<(&String, &Array, Vec<u8>)> = arrays.iter().map(|(name, a)| (name, a, bytes(a))).collect();
    let views = owned
        .iter()
        .map(|(name, array, data)| Ok(((*name).clone(), TensorView::new(Dtype::F32, array.shape.clone(), data)?)));
    let views: Vec<(String, TensorView<'_>)> = views.collect::<Result<_>>()?;
    // One pair: a second one could come in either order.
    let about = HashMap::from([("about".to_owned(), format!("{fixture}; {run}"))]);
    let file = root.join(path);
    serialize_to_file(views, Some(about), &file)?;
    File::open(&file)?.sync_all()?;
    let source = alexnet_formats::Source::open(&file, &alexnet_formats::Limits::default())?;
    Ok(Recorded { path: path.to_owned(), bytes: source.bytes().len() as u64, sha256: source.sha256() })
}

/// `07-noise-x20.safetensors`: files come back in the order of their names.
fn file_name(index: usize, name: &str) -> String {
    format!("{index:03}-{}.safetensors", plain(name))
}

/// Letters and digits, and a dash for all else between them.
fn plain(name: &str) -> String {
    let words = name.split(|c: char| !c.is_ascii_alphanumeric() && c != '.').filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join("-")
}

/// A folder beside the target, with the permissions that any new folder has; it goes where it isn't kept.
fn unfinished(beside: &Path) -> Result<tempfile::TempDir> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".alexnet-").suffix(".partial");
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o777));
    Ok(builder.tempdir_in(beside)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_inputs_become_names_of_files() {
        assert_eq!(file_name(7, "noise /1000"), "007-noise-1000.safetensors");
        assert_eq!(file_name(12, "../a b/é.jpg[3]"), "012-..-a-b-.jpg-3.safetensors");
        assert_eq!(plain("B: ort 1.32.0"), "B-ort-1.32.0");
    }

    #[test]
    fn only_a_new_or_an_empty_folder_is_written() {
        let folder = tempfile::tempdir().unwrap();
        assert!(Recording::new(folder.path()).is_ok());
        assert!(Recording::new(&folder.path().join("new")).is_ok());
        assert!(Recording::new(&folder.path().join("neither/nor")).is_err());
        fs::write(folder.path().join("file"), "").unwrap();
        assert!(Recording::new(folder.path()).is_err());
        assert!(Recording::new(&folder.path().join("file")).is_err());
    }
}

//! What the networks are run on: built-in inputs, images, and recorded arrays with or without expected values.

mod arrays;
mod builtin;
mod images;

use crate::array::Array;
use alexnet_spec::{Input, Network, Preprocessing};
use anyhow::{Context, Result, bail, ensure};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

pub use builtin::builtin;

/// One example: an input, and what another program computed for it.
#[derive(Clone, Debug)]
pub struct Fixture {
    /// What reports call it.
    pub name: String,
    /// The input, `[1, C, H, W]`.
    pub input: Array,
    /// Recorded outputs by name: `logits`, or a layer's.
    pub golden: BTreeMap<String, Array>,
}

/// What an input has to look like.
#[derive(Clone, Debug)]
pub struct Contract {
    /// Its dimensions.
    pub input: Input,
    /// How an image becomes one; unknown for an ONNX graph of another program.
    pub preprocessing: Option<Preprocessing>,
    /// The network itself, where it is known.
    pub network: Option<Network>,
}

/// The kinds of files that can be read, by extension: their contents have no mark of their own kind.
const ARRAYS: [&str; 3] = ["npy", "npz", "safetensors"];
const IMAGES: [&str; 3] = ["jpg", "jpeg", "png"];

/// The fixtures in a file, or in the files of a folder in the order of their names; `builtin:KIND,...` names the program's
/// own.
///
/// Errs where there are none, or one of them doesn't fit the contract.
pub fn read(path: &Path, contract: &Contract) -> Result<Vec<Fixture>> {
    let mut fixtures = Vec::new();
    each(path, contract, &mut |fixture| {
        fixtures.push(fixture);
        Ok(())
    })?;
    Ok(fixtures)
}

/// Hands out what [`read`] gives, one after the other: no more than one file is in memory.
///
/// Errs as `read` does, and with whatever `take` returns.
pub fn each(path: &Path, contract: &Contract, take: &mut dyn FnMut(Fixture) -> Result<()>) -> Result<()> {
    if let Some(argument) = path.to_str().filter(|text| text.split(':').next() == Some(builtin::PREFIX)) {
        return builtin::named(argument, contract)?.into_iter().try_for_each(take);
    }
    let files = if path.is_dir() { files_in(path)? } else { vec![path.to_owned()] };
    let mut count = 0usize;
    for file in &files {
        for fixture in read_file(file, contract).with_context(|| file.display().to_string())? {
            take(fixture)?;
            count += 1;
        }
    }
    ensure!(
        count > 0,
        "{}: no fixtures; it should hold {} files",
        path.display(),
        [&ARRAYS[..], &IMAGES[..]].concat().join(", ")
    );
    Ok(())
}

fn files_in(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in folder.read_dir().with_context(|| folder.display().to_string())? {
        let path = entry?.path();
        let known = extension(&path).is_some_and(|e| ARRAYS.contains(&e.as_str()) || IMAGES.contains(&e.as_str()));
        if known && path.is_file() {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

fn read_file(path: &Path, contract: &Contract) -> Result<Vec<Fixture>> {
    let name = path.file_name().map_or_else(|| path.display().to_string(), |n| n.to_string_lossy().into_owned());
    match extension(path).as_deref() {
        Some(e) if IMAGES.contains(&e) => Ok(vec![images::read(path, name, contract)?]),
        Some(e) if ARRAYS.contains(&e) => examples(&name, arrays::read(path)?, contract),
        _ => bail!("not a fixture: its name should end in one of {}", [&ARRAYS[..], &IMAGES[..]].concat().join(", ")),
    }
}

fn extension(path: &Path) -> Option<String> {
    Some(path.extension()?.to_str()?.to_ascii_lowercase())
}

/// Takes a batch apart. Recorded logits must cover all of it; a layer's may cover its first examples only.
fn examples(name: &str, mut arrays: BTreeMap<String, Array>, contract: &Contract) -> Result<Vec<Fixture>> {
    let Some(input) = arrays.remove("input") else {
        bail!("it holds no array `input`, only {}", arrays.keys().cloned().collect::<Vec<_>>().join(", "));
    };
    let Input { channels, height, width } = contract.input;
    ensure!(
        matches!(input.shape.as_slice(), [n, c, h, w] if *n > 0 && [*c, *h, *w] == [channels, height, width]),
        "`input` has shape {:?}, but the network takes [N, {channels}, {height}, {width}]",
        input.shape
    );
    if let Some((at, value)) = input.data.iter().enumerate().find(|(_, value)| !value.is_finite()) {
        bail!("`input` holds {value} at element {at}: no comparison could pass; give finite values");
    }
    let batch = input.batch();
    for (key, array) in &arrays {
        let known = contract.network.as_ref().is_none_or(|network| key == "logits" || network.layer(key).is_some());
        ensure!(known, "`{}` is neither `input`, `logits` nor a layer: it would not be compared", key.escape_debug());
        let covered = array.shape.first().copied().unwrap_or(0);
        let complete = if key == "logits" { covered == batch } else { (1..=batch).contains(&covered) };
        ensure!(complete, "`{key}` has shape {:?}, which is no record of {batch} inputs", array.shape);
    }
    (0..batch)
        .map(|index| {
            let golden = arrays
                .iter()
                .filter(|(_, array)| index < array.batch())
                .map(|(key, array)| Ok((key.clone(), array.example(index)?)))
                .collect::<Result<_>>()?;
            let name = if batch == 1 { name.to_owned() } else { format!("{name}[{index}]") };
            Ok(Fixture { name, input: input.example(index)?, golden })
        })
        .collect()
}

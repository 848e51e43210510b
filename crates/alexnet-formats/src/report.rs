//! What was made of a checkpoint, for people ([`std::fmt::Display`]) and for programs ([`serde::Serialize`]).

use crate::Transform;
use alexnet_spec::{DType, Weights};
use serde::Serialize;
use std::fmt;

/// What an import used, left out, changed and guessed. Field names are stable.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Report {
    /// The container, as in `pytorch-zip`.
    pub format: String,
    /// Who wrote it, as in `torchvision`.
    pub dialect: String,
    /// The network's name.
    pub network: String,
    /// The number of classes; none for features alone.
    pub classes: Option<usize>,
    /// The dotted path of the state dict in the file, as `--key` takes it.
    pub key: String,
    /// What was taken from the tensors' names to know them, as in `module.`.
    pub stripped: Vec<String>,
    /// Every parameter and what it was made of, in the order of the layers.
    pub used: Vec<Used>,
    /// Tensors of the state dict that are no parameter, and why that is no error.
    pub unused: Vec<Unused>,
    /// Parameters of the full network that the file doesn't hold: a missing classifier.
    pub missing: Vec<String>,
    /// Parameters whose element type was changed.
    pub converted: Vec<Converted>,
    /// What neither names nor shapes settle.
    pub guessed: Vec<Guess>,
    /// What else is worth knowing.
    pub notes: Vec<String>,
}

/// A parameter and its sources.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Used {
    /// Its canonical name.
    pub parameter: String,
    /// The names in the file.
    pub sources: Vec<String>,
    /// What happened on the way.
    pub transform: Transform,
    /// Its shape.
    pub shape: Vec<usize>,
    /// The element type in the file.
    pub dtype: DType,
}

/// A tensor that was left out.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Unused {
    /// Its name in the file.
    pub name: String,
    /// Why that is right.
    pub why: String,
}

/// A parameter whose element type was changed.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Converted {
    /// Its canonical name.
    pub parameter: String,
    /// The element type in the file.
    pub from: DType,
    /// The element type written.
    pub to: DType,
}

/// A decision that the file doesn't settle.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Guess {
    /// What was decided.
    pub what: String,
    /// Why it had to be guessed, and why this way.
    pub why: String,
    /// What settles it.
    pub settle: String,
}

impl Report {
    /// Notes that `weights` are written in the element type `dtype`.
    pub fn record_conversion(&mut self, weights: &Weights, dtype: DType) {
        let changed = self.used.iter().filter_map(|used| {
            let from = weights.get(&used.parameter)?.dtype();
            (from != dtype).then(|| Converted { parameter: used.parameter.clone(), from, to: dtype })
        });
        self.converted = changed.collect();
    }
}

/// A few lines: what it is, then only what is out of the ordinary.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Report { format, dialect, network, .. } = self;
        write!(f, "{format}, {dialect} names, network {network}")?;
        match self.classes {
            Some(classes) => write!(f, ", {classes} classes")?,
            None => write!(f, ", features only")?,
        }
        write!(f, ": {} parameters", self.used.len())?;
        if !self.key.is_empty() {
            write!(f, " from `{}`", self.key.escape_debug())?;
        }
        if !self.stripped.is_empty() {
            write!(f, "\n  names without `{}`", self.stripped.join("` and `").escape_debug())?;
        }
        for used in self.used.iter().filter(|used| used.transform != Transform::Identity) {
            write!(f, "\n  {} from {}: {}", used.parameter, used.sources.join(", ").escape_debug(), used.transform)?;
        }
        for converted in summary(&self.converted) {
            write!(f, "\n  {converted}")?;
        }
        if !self.missing.is_empty() {
            write!(f, "\n  not in the file: {}", self.missing.join(", "))?;
        }
        for unused in &self.unused {
            write!(f, "\n  left out: {} ({})", unused.name.escape_debug(), unused.why)?;
        }
        for guess in &self.guessed {
            write!(f, "\n  guessed: {}: {}; {}", guess.what, guess.why, guess.settle)?;
        }
        for note in &self.notes {
            write!(f, "\n  note: {note}")?;
        }
        Ok(())
    }
}

/// One line for each pair of element types.
fn summary(converted: &[Converted]) -> Vec<String> {
    let mut counts: Vec<((DType, DType), usize)> = Vec::new();
    for Converted { from, to, .. } in converted {
        match counts.iter_mut().find(|(pair, _)| *pair == (*from, *to)) {
            Some((_, count)) => *count += 1,
            None => counts.push(((*from, *to), 1)),
        }
    }
    counts.iter().map(|((from, to), count)| format!("{count} parameters converted from {from} to {to}")).collect()
}

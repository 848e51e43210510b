//! What is in a file and what it would become: the data behind `--inspect`. Nothing is converted.

use crate::import::{ImportOptions, import, readings};
use crate::report::Report;
use crate::{Checkpoint, map};
use alexnet_spec::{DType, Tensor};
use serde::Serialize;
use std::fmt;

/// A look into a checkpoint. Field names are stable.
#[derive(Clone, Debug, Serialize)]
pub struct Inspection {
    /// The container, as in `pytorch-zip`.
    pub format: &'static str,
    /// The network that the file's metadata name.
    pub described: Option<String>,
    /// Dictionaries and modules that hold tensors.
    pub groups: Vec<GroupSummary>,
    /// Where something of an AlexNet was found, recognised or not.
    pub readings: Vec<Reading>,
    /// What the file would become; `None` where it can't be converted as it is.
    pub becomes: Option<Becomes>,
    /// Why it can't be converted as it is, and what to try.
    pub refusal: Option<String>,
    /// A map to start from, as `--map` takes it, where no dialect reads the file.
    pub map_draft: Option<String>,
}

/// One dictionary or module with tensors.
#[derive(Clone, Debug, Serialize)]
pub struct GroupSummary {
    /// Its dotted path, as `--key` takes it.
    pub key: String,
    /// Bytes of all its tensors, each counted in full.
    pub bytes: u64,
    /// The number of modules that describe themselves.
    pub modules: usize,
    /// Its tensors, in the file's order.
    pub tensors: Vec<TensorSummary>,
    /// What should have been tensors, and why it isn't: name and reason.
    pub unreadable: Vec<(String, String)>,
}

/// One tensor.
#[derive(Clone, Debug, Serialize)]
pub struct TensorSummary {
    /// Its name in the group.
    pub name: String,
    /// Its element type.
    pub dtype: DType,
    /// Its dimensions.
    pub shape: Vec<usize>,
    /// Whether its elements lie otherwise than row by row.
    pub strided: bool,
}

/// A place read in a dialect.
#[derive(Clone, Debug, Serialize)]
pub struct Reading {
    /// Where, as `--key` takes it.
    pub key: String,
    /// In whose names.
    pub dialect: &'static str,
    /// The networks that it can be; empty where it is none.
    pub networks: Vec<String>,
    /// Why it is none.
    pub misfit: Option<String>,
}

/// What a checkpoint would become.
#[derive(Clone, Debug, Serialize)]
pub struct Becomes {
    /// The number of trained values.
    pub parameters: u64,
    /// Network, classes, sources, guesses.
    #[serde(flatten)]
    pub report: Report,
}

/// Looks into `checkpoint`. What [`import`] would refuse or ask is part of the answer, so this never fails.
pub fn inspect(checkpoint: &Checkpoint, options: &ImportOptions) -> Inspection {
    let (becomes, refusal) = match import(checkpoint, options) {
        Ok(imported) => {
            let parameters = imported.network.parameter_count().unwrap_or_default();
            (Some(Becomes { parameters, report: imported.report }), None)
        }
        Err(error) => (None, Some(error.to_string())),
    };
    let groups = checkpoint.groups.iter().map(|group| GroupSummary {
        key: group.key.clone(),
        bytes: group.tensors.iter().map(|(_, tensor)| bytes(tensor)).fold(0, u64::saturating_add),
        modules: group.modules.len(),
        tensors: group.tensors.iter().map(|(name, tensor)| summary(name, tensor)).collect(),
        unreadable: group.unreadable.iter().map(|tensor| (tensor.name.clone(), tensor.reason.clone())).collect(),
    });
    let readings = readings(checkpoint, options).unwrap_or_default();
    let unknown = readings.iter().all(|reading| reading.networks.is_empty());
    let described = checkpoint.metadata.as_ref().and_then(|metadata| metadata.network().ok()?);
    Inspection {
        format: checkpoint.format,
        described: described.map(|network| network.name),
        groups: groups.collect(),
        map_draft: (becomes.is_none() && unknown).then(|| map::draft(checkpoint, options)).flatten(),
        readings,
        becomes,
        refusal,
    }
}

fn bytes(tensor: &Tensor) -> u64 {
    (tensor.elements() as u64).saturating_mul(tensor.dtype().size() as u64)
}

fn summary(name: &str, tensor: &Tensor) -> TensorSummary {
    let (shape, strided) = (tensor.shape().to_vec(), !tensor.is_contiguous());
    TensorSummary { name: name.to_owned(), dtype: tensor.dtype(), shape, strided }
}

/// The format, each group with its table of tensors, the readings where there is a choice, and what it would become.
impl fmt::Display for Inspection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.format)?;
        if let Some(described) = &self.described {
            write!(f, ", described as network {described}")?;
        }
        for group in self.groups.iter().filter(|g| !g.tensors.is_empty() || !g.unreadable.is_empty()) {
            group.fmt(f)?;
        }
        if self.readings.len() > 1 || self.becomes.is_none() {
            for Reading { key, dialect, networks, misfit } in &self.readings {
                let place = if key.is_empty() { "the root" } else { key };
                write!(f, "\n{place} with {dialect} names: ")?;
                match misfit {
                    Some(misfit) => f.write_str(misfit)?,
                    None => f.write_str(&networks.join(" or "))?,
                }
            }
        }
        match (&self.becomes, &self.refusal) {
            (Some(becomes), _) => write!(f, "\nbecomes: {}\n  {} trained values", becomes.report, becomes.parameters)?,
            (None, Some(refusal)) => write!(f, "\ncan't be converted as it is: {refusal}")?,
            (None, None) => {}
        }
        match &self.map_draft {
            Some(draft) => write!(f, "\n\n{draft}"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for GroupSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = if self.key.is_empty() { "the root" } else { &self.key };
        write!(f, "\n{}: {} tensors, {} bytes", key.escape_debug(), self.tensors.len(), self.bytes)?;
        let width = self.tensors.iter().map(|tensor| tensor.name.len()).max().unwrap_or_default();
        for TensorSummary { name, dtype, shape, strided } in &self.tensors {
            let strided = if *strided { ", strided" } else { "" };
            write!(f, "\n  {:width$}  {:<4} {shape:?}{strided}", name.escape_debug().to_string(), dtype.to_string())?;
        }
        for (name, reason) in &self.unreadable {
            write!(f, "\n  {}: can't be read: {reason}", name.escape_debug())?;
        }
        Ok(())
    }
}

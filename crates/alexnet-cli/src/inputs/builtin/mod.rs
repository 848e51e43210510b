//! Inputs that the program brings along, made for the network at hand: the same ones on every machine.
//!
//! A kind of them is one file here and one line in [`KINDS`]. Each is there for mistakes that the others hide: what differs
//! by a hundred-thousandth of the largest logit under one input is half of it under another.

mod canvas;
mod constants;
mod extremes;
mod impulses;
mod noise;
mod photographs;
mod random;
#[cfg(test)]
mod tests;

use super::{Contract, Fixture};
use anyhow::{Context, Result, ensure};
use canvas::Canvas;

/// One kind of input.
struct Kind {
    /// What `builtin:NAME` calls it.
    name: &'static str,
    /// The inputs that every comparison has.
    standard: fn(&Canvas) -> Result<Vec<Fixture>>,
    /// The others, for those who ask.
    further: fn(&Canvas) -> Result<Vec<Fixture>>,
}

const KINDS: [Kind; 5] = [noise::KIND, photographs::KIND, impulses::KIND, constants::KIND, extremes::KIND];

/// How `--fixtures` begins where it names inputs of the program's own.
pub(super) const PREFIX: &str = "builtin";

/// The few inputs that every comparison has.
pub fn builtin(contract: &Contract) -> Result<Vec<Fixture>> {
    let canvas = Canvas::new(contract)?;
    let mut fixtures = Vec::new();
    for kind in &KINDS {
        fixtures.extend((kind.standard)(&canvas)?);
    }
    Ok(fixtures)
}

/// The inputs that `builtin`, `builtin:all` or `builtin:KIND,...` names; a kind by its name is all of it.
pub(super) fn named(argument: &str, contract: &Contract) -> Result<Vec<Fixture>> {
    let Some(names) = argument.strip_prefix(PREFIX).and_then(|rest| rest.strip_prefix(':')) else {
        return builtin(contract);
    };
    let canvas = Canvas::new(contract)?;
    let mut fixtures = Vec::new();
    let all: Vec<&str> = KINDS.iter().map(|kind| kind.name).collect();
    for name in if names == "all" { all.clone() } else { names.split(',').collect() } {
        let kind = KINDS.iter().find(|kind| kind.name == name).with_context(|| {
            format!("--fixtures {argument}: no built-in inputs are called `{name}`; try all or {}", all.join(", "))
        })?;
        fixtures.extend((kind.standard)(&canvas)?);
        fixtures.extend((kind.further)(&canvas)?);
    }
    ensure!(
        !fixtures.is_empty(),
        "--fixtures {argument}: there are none for an input of {} channels; try builtin:noise",
        contract.input.channels
    );
    Ok(fixtures)
}

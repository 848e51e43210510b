//! Which of the built-in inputs a graph of integers was made for.

use super::run::{Check, Launcher};
use crate::align::align;
use crate::inputs::Fixture;
use crate::runtimes::{Kind, Spec, values};
use crate::subject::Subject;
use anyhow::{Result, ensure};
use std::collections::BTreeMap;

/// How far beyond its range a value may be, as a share of the range: less than a photograph differs from the next.
const SLACK: f32 = 0.02;

/// Those of the inputs on which no value leaves the range in which one of the two sides rounds it, and a sentence about each
/// other one. A graph is calibrated for the images that it is to see; what lies beyond is cut off, as it should be.
///
/// Errs where less than half is left: a range that is wrong would leave out what shows it.
pub(super) fn within(what: &Check<'_>) -> Result<(Vec<Fixture>, Vec<String>)> {
    let mut ranges = BTreeMap::new();
    for subject in [Some(what.a), what.b].into_iter().flatten() {
        ranges.extend(rounded(what, subject)?);
    }
    if ranges.is_empty() {
        return Ok((what.fixtures.to_vec(), Vec::new()));
    }
    let source = [Some(what.a), what.b].into_iter().flatten().find(|subject| !subject.is_graph());
    let taps: Vec<String> = ranges.keys().cloned().collect();
    // Without the floats of a checkpoint, the input's range is all that can be told.
    let launcher = |subject| Launcher { side: "A", subject, spec: Spec::of(Kind::Candle), asked: true };
    let mut runtime = source.map(|subject| what.open(&launcher(subject))).transpose()?;
    let (mut kept, mut notes) = (Vec::new(), Vec::new());
    for fixture in what.fixtures {
        let mut seen = match &mut runtime {
            Some(runtime) => values(runtime.as_mut(), &fixture.input, &taps)?,
            None => BTreeMap::new(),
        };
        seen.insert("input".into(), fixture.input.clone());
        let beyond = ranges.iter().find_map(|(name, [low, high])| {
            let slack = SLACK * (high - low);
            let value = seen.get(name)?.data.iter().find(|value| !(low - slack..=high + slack).contains(value))?;
            Some(format!(
                "input `{}` is left out: it takes `{name}` to {value:.3}, and the graph was calibrated for {low:.3} to {high:.3}",
                fixture.name
            ))
        });
        match beyond {
            Some(note) => notes.push(note),
            None => kept.push(fixture.clone()),
        }
    }
    ensure!(
        2 * kept.len() >= what.fixtures.len(),
        "{} of {} built-in inputs lie beyond what the graph was calibrated for, too many to tell a narrow range from a wrong \
         one: try --fixtures with images like those that it was calibrated with, or calibrate it with more",
        notes.len(),
        what.fixtures.len()
    );
    Ok((kept, notes))
}

/// The ranges of the input and of the layers that a side rounds to integers.
fn rounded(what: &Check<'_>, subject: &Subject) -> Result<BTreeMap<String, [f32; 2]>> {
    if !subject.is_graph() {
        return Ok(BTreeMap::new());
    }
    let model = &subject.graph()?.model;
    let ranges = alexnet_onnx::ranges(model);
    let mut named = what.network.map(|network| align(model, network)).unwrap_or_default();
    named.extend(model.inputs().first().map(|input| ("input".to_owned(), input.name.clone())));
    Ok(named.into_iter().filter_map(|(layer, value)| Some((layer, *ranges.get(&value)?))).collect())
}

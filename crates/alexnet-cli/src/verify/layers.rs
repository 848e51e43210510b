//! The walk through the layers: which one parts first?

use super::report::{FirstDifference, LayerComparison};
use super::run::{Check, Run};
use crate::array::Array;
use crate::compare::{Metrics, Tolerance};
use crate::inputs::Fixture;
use crate::runtimes::{Runtime, Values};
use alexnet_spec::{Network, Op};
use anyhow::{Context, Result};

/// Compares every layer that the runs have in common with the first, over all inputs or the one named, and keeps each
/// layer's worst result. No more than two runtimes are open at a time.
pub(super) fn walk(
    what: &Check<'_>,
    runs: &[Run<'_>],
    exact: bool,
    only: Option<&str>,
) -> Result<Vec<LayerComparison>> {
    let (Some(network), Some((first, others))) = (what.network, runs.split_first()) else { return Ok(Vec::new()) };
    let taps: Vec<String> = network.layers.iter().map(|layer| layer.name.clone()).collect();
    let fixtures = || what.fixtures.iter().filter(|f| only.is_none_or(|name| f.name == name));
    let mut rows: Vec<LayerComparison> = Vec::new();
    let mut reference = first.reopen()?;
    for fixture in fixtures() {
        let recorded = recorded(fixture, &taps);
        if !recorded.is_empty() {
            let found = reference.run(&fixture.input, &taps)?;
            against_recorded(what, network, first, &recorded, &found)
                .into_iter()
                .for_each(|r| keep_worst(&mut rows, r));
        }
    }
    for run in others {
        let mut runtime = run.reopen()?;
        for fixture in fixtures() {
            let expected = reference.run(&fixture.input, &taps)?;
            let found =
                runtime.run(&fixture.input, &taps).with_context(|| format!("{} on `{}`", run.name, fixture.name))?;
            let tolerances = |layer: &str| what.tolerances.of(layer, run.tolerance(first, exact));
            let compared = compare(network, reference.as_mut(), &run.name, tolerances, fixture, &expected, &found);
            compared.into_iter().for_each(|row| keep_worst(&mut rows, row));
            let recorded = recorded(fixture, &taps);
            against_recorded(what, network, run, &recorded, &found).into_iter().for_each(|r| keep_worst(&mut rows, r));
        }
    }
    Ok(rows)
}

/// The recorded outputs of layers.
fn recorded(fixture: &Fixture, taps: &[String]) -> Values {
    fixture.golden.iter().filter(|(name, _)| taps.contains(name)).map(|(n, array)| (n.clone(), array.clone())).collect()
}

/// The rows of one run on one input. Both modes, where the reference can run a layer alone.
fn compare(
    network: &Network,
    reference: &mut dyn Runtime,
    name: &str,
    tolerance: impl Fn(&str) -> Tolerance,
    fixture: &Fixture,
    expected: &Values,
    found: &Values,
) -> Vec<LayerComparison> {
    let mut rows = Vec::new();
    // What the reference computes from the other side's last known value, and the layers passed since.
    let mut unseen: Vec<&str> = Vec::new();
    let mut carried = Some(fixture.input.clone());
    for layer in &network.layers {
        carried = carried.and_then(|input| alone(reference, &layer.name, &input));
        let (Some(a), Some(b)) = (expected.get(&layer.name), found.get(&layer.name)) else {
            unseen.extend(computes(&layer.op).then_some(layer.name.as_str()));
            continue;
        };
        let tolerance = tolerance(&layer.name);
        let (cumulative, why) = split(Metrics::compare(a, b, tolerance));
        let isolated = carried.as_ref().and_then(|own| Metrics::compare(own, b, tolerance).ok());
        rows.push(LayerComparison {
            layer: layer.name.clone(),
            op: layer.op.kind().into(),
            runtime: name.to_owned(),
            cumulative,
            isolated,
            unseen: unseen.drain(..).map(str::to_owned).collect(),
            why,
        });
        carried = Some(b.clone());
    }
    rows
}

/// Whether a layer changes values at test time; exporters leave the others out.
fn computes(op: &Op) -> bool {
    !matches!(op, Op::Dropout(_) | Op::Flatten(_) | Op::AdaptiveAvgPool2d(_) | Op::Softmax(_))
}

/// One layer of the reference, fed `input`; none where it can't run it, which a shape that doesn't fit explains.
fn alone(runtime: &mut dyn Runtime, layer: &str, input: &Array) -> Option<Array> {
    runtime.run_layer(layer, input)?.ok()
}

fn against_recorded(
    what: &Check<'_>,
    network: &Network,
    run: &Run<'_>,
    recorded: &Values,
    found: &Values,
) -> Vec<LayerComparison> {
    let both = network.layers.iter().filter_map(|l| Some((l, recorded.get(&l.name)?, found.get(&l.name)?)));
    both.map(|(layer, a, b)| {
        let (cumulative, why) =
            split(Metrics::compare(a, b, what.tolerances.of(&layer.name, run.recorded_tolerance())));
        LayerComparison {
            layer: layer.name.clone(),
            op: layer.op.kind().into(),
            runtime: format!("{} against recorded", run.name),
            cumulative,
            isolated: None,
            unseen: Vec::new(),
            why,
        }
    })
    .collect()
}

fn split<T, E>(result: Result<T, E>) -> (Option<T>, Option<E>) {
    match result {
        Ok(value) => (Some(value), None),
        Err(error) => (None, Some(error)),
    }
}

fn keep_worst(rows: &mut Vec<LayerComparison>, new: LayerComparison) {
    let severity = |metrics: &Option<Metrics>| metrics.as_ref().map_or(0.0, Metrics::severity);
    match rows.iter_mut().find(|row| row.layer == new.layer && row.runtime == new.runtime) {
        Some(row) => {
            if severity(&new.cumulative) > severity(&row.cumulative) {
                row.cumulative = new.cumulative;
            }
            if severity(&new.isolated) > severity(&row.isolated) {
                row.isolated = new.isolated;
            }
            row.why = row.why.take().or(new.why);
        }
        None => rows.push(new),
    }
}

/// The first layer that differs although both sides had the same input; failing that, the first whose output differs.
pub(super) fn first_difference(rows: &[LayerComparison]) -> Option<FirstDifference> {
    let sentence = |m: &Metrics| match m.passing_rtol {
        Some(rtol) => format!("max {:.2e} of scale {:.2e}; it would pass at rtol {rtol:.1e}", m.max_abs, m.scale),
        None => format!("NaN {:?}, infinities {:?}: it can't pass", m.nan, m.infinite),
    };
    let differs = |m: &Option<Metrics>| m.as_ref().is_some_and(|m| !m.agrees);
    let parted = |row: &&LayerComparison| row.why.is_some() || differs(&row.cumulative) || differs(&row.isolated);
    let first = rows.iter().find(parted)?;
    let of_runtime = || rows.iter().filter(|row| row.runtime == first.runtime);
    let isolated = of_runtime().find(|row| row.why.is_some() || differs(&row.isolated));
    let (row, mode) = match isolated {
        Some(row) => (row, "isolated"),
        None => (first, "cumulative"),
    };
    let metrics = if mode == "isolated" { &row.isolated } else { &row.cumulative };
    let what = match (&row.why, metrics) {
        (Some(why), _) => why.clone(),
        (None, Some(metrics)) => format!("{mode}, {}", sentence(metrics)),
        (None, None) => mode.into(),
    };
    let what = match row.unseen.join(", ") {
        none if none.is_empty() => what,
        unseen => format!("{what}; {unseen}, which it should come after, is not to be found there"),
    };
    Some(FirstDifference { layer: row.layer.clone(), runtime: row.runtime.clone(), mode, what })
}

//! The walk through the layers: which one parts first?
//!
//! Every layer is compared twice. *Cumulative*: both sides run the whole network, so that a layer shows its own difference and
//! those of the layers before it. *Isolated*: both sides run the layer alone, fed what the reference computed up to there.

use super::report::{FirstDifference, LayerComparison};
use super::run::{Check, Run};
use crate::array::Array;
use crate::compare::{Metrics, Tolerance, at_least};
use crate::diagnose::Example;
use crate::inputs::Fixture;
use crate::runtimes::{self, Runtime, Values, is_unsupported};
use alexnet_spec::{Layer, Network, Op};
use anyhow::Result;

/// What the walk found.
#[derive(Default)]
pub(super) struct Walk {
    /// Every layer that could be compared, run by run.
    pub rows: Vec<LayerComparison>,
    /// The first layer that differs, where there is one.
    pub first: Option<FirstDifference>,
    /// Both sides of that layer, where it could be run alone.
    pub parted: Option<Parted>,
}

/// The first layer that differs, run alone.
pub(crate) struct Parted {
    /// The layer whose output it was fed; none for the image.
    pub after: Option<String>,
    /// The layer.
    pub layer: String,
    /// Which run differs from the first.
    pub run: usize,
    /// What it was fed and what came out, for the inputs in which it differs most.
    pub examples: Vec<Example>,
    /// The names of these inputs.
    pub fixtures: Vec<String>,
}

/// How many examples of the layer that parts are kept.
const KEPT: usize = 4;

/// Compares every layer that the runs have in common with the first, over all inputs or the one named, and keeps each
/// layer's worst result. `apart`: the logits differ. No more than two runtimes are open at a time.
pub(super) fn walk(what: &Check<'_>, runs: &[Run<'_>], exact: bool, apart: bool, only: Option<&str>) -> Result<Walk> {
    let (Some(network), Some((first, others))) = (what.network, runs.split_first()) else { return Ok(Walk::default()) };
    let taps: Vec<String> = network.layers.iter().map(|layer| layer.name.clone()).collect();
    let fixtures: Vec<&Fixture> = what.fixtures.iter().filter(|f| only.is_none_or(|name| f.name == name)).collect();
    let mut walk = Walk::default();
    let mut reference = what.open(&first.launcher)?;
    for fixture in &fixtures {
        let recorded = recorded(fixture, &taps);
        if !recorded.is_empty() {
            let found = runtimes::values(reference.as_mut(), &fixture.input, &taps)?;
            let rows = against_recorded(what, network, first, &recorded, &found);
            rows.into_iter().for_each(|row| keep_worst(&mut walk.rows, row));
        }
    }
    for (index, run) in others.iter().enumerate() {
        let mut runtime = what.open(&run.launcher)?;
        let pair = Pair {
            network,
            name: &run.name,
            tolerance: &|layer, alone| what.tolerances.of(layer, run.tolerance_of(first, exact, alone)),
            fixtures: &fixtures,
        };
        // What can't be run as a whole may still run layer by layer.
        if run.failed.is_none() {
            for fixture in &fixtures {
                let found = match runtimes::values(runtime.as_mut(), &fixture.input, &taps) {
                    Ok(found) => found,
                    Err(error) if is_unsupported(&error) => {
                        return Err(error.context(format!("{} on `{}`", run.name, fixture.name)));
                    }
                    // As for a batch, where single inputs could be run.
                    Err(_) => break,
                };
                let rows = against_recorded(what, network, run, &recorded(fixture, &taps), &found);
                rows.into_iter().for_each(|row| keep_worst(&mut walk.rows, row));
                pair.cumulative(reference.as_mut(), &taps, fixture, found, &mut walk.rows)?;
            }
        }
        let mut parted = pair.isolated(reference.as_mut(), runtime.as_mut(), &mut walk.rows)?;
        parted.iter_mut().for_each(|parted| parted.run = index + 1);
        walk.parted = walk.parted.or(parted);
    }
    let order = |row: &LayerComparison| taps.iter().position(|tap| *tap == row.layer);
    walk.rows.sort_by_key(|row| (others.iter().position(|run| run.name == row.runtime), order(row)));
    walk.first = first_difference(&walk.rows, apart);
    let named = |parted: &Parted| {
        let run = runs.get(parted.run);
        walk.first.as_ref().is_some_and(|f| f.layer == parted.layer && run.is_some_and(|run| run.name == f.runtime))
    };
    walk.parted = walk.parted.filter(named);
    Ok(walk)
}

/// One run against the reference.
struct Pair<'a> {
    network: &'a Network,
    name: &'a str,
    /// That of a layer, and of its kind where it runs alone.
    tolerance: &'a dyn Fn(&str, Option<&str>) -> Tolerance,
    fixtures: &'a [&'a Fixture],
}

impl Pair<'_> {
    /// Both sides run whole; the reference's values come one at a time.
    fn cumulative(
        &self,
        reference: &mut dyn Runtime,
        taps: &[String],
        fixture: &Fixture,
        mut found: Values,
        rows: &mut Vec<LayerComparison>,
    ) -> Result<()> {
        reference.run(&fixture.input, taps, &mut |layer, expected| {
            let known = self.network.layer(layer).map(|layer| layer.op.kind());
            let (Some(op), Some(found)) = (known, found.remove(layer)) else { return Ok(()) };
            let mut row = LayerComparison::new(layer, op, self.name);
            match Metrics::compare(&expected, &found, (self.tolerance)(layer, None)) {
                Ok(metrics) => row.cumulative = Some(metrics),
                Err(why) => row.why = Some(why),
            }
            keep_worst(rows, row);
            Ok(())
        })
    }

    /// Each layer alone, fed the reference's value. Returns the first layer that differs.
    fn isolated(
        &self,
        reference: &mut dyn Runtime,
        runtime: &mut dyn Runtime,
        rows: &mut Vec<LayerComparison>,
    ) -> Result<Option<Parted>> {
        let mut front = Front { after: None, values: self.fixtures.iter().map(|f| f.input.clone()).collect() };
        // Layers passed since the front that the other side doesn't show, or shows in another form.
        let (mut unseen, mut doubtful): (Vec<&Layer>, Vec<LayerComparison>) = (Vec::new(), Vec::new());
        let names = |layers: &[&Layer], which: fn(&Op) -> bool| -> Vec<String> {
            layers.iter().filter(|layer| which(&layer.op)).map(|layer| layer.name.clone()).collect()
        };
        let mut parted = None;
        for layer in &self.network.layers {
            let Some(expected) = front.run(reference, &layer.name).ok().flatten() else { continue };
            let mut row = LayerComparison::new(&layer.name, layer.op.kind(), self.name);
            let found = match front.run(runtime, &layer.name) {
                Ok(Some(found)) => found,
                Err(error) if !is_unsupported(&error) => {
                    row.why = Some(format!("it can't be computed there: {error:#}"));
                    row.unseen = names(&unseen, shapes);
                    doubtful.push(row);
                    continue;
                }
                _ => {
                    unseen.push(layer);
                    continue;
                }
            };
            let mut severities = Vec::with_capacity(found.len());
            for (a, b) in expected.iter().zip(&found) {
                let compared = Metrics::compare(a, b, (self.tolerance)(&layer.name, Some(layer.op.kind())));
                severities.push(compared.as_ref().map_or(f64::INFINITY, Metrics::severity));
                match compared {
                    Ok(metrics) => keep_worse(&mut row.isolated, Some(metrics)),
                    Err(why) => row.why = row.why.take().or(Some(why)),
                }
            }
            let differs = row.differs();
            if differs && parted.is_none() {
                parted = Some(self.parted(&front, &layer.name, &expected, &found, &severities));
            }
            if row.why.is_some() {
                row.unseen = names(&unseen, shapes);
                doubtful.push(row);
                continue;
            }
            row.unseen = names(&unseen, computes);
            unseen.clear();
            if !differs && !doubtful.is_empty() {
                // From the same value both sides come to the same: what lay between has another form there, and is right.
                let other: Vec<String> = doubtful.drain(..).map(|row| row.layer).collect();
                parted = parted.filter(|parted| !other.contains(&parted.layer));
                rows.retain(|row| row.runtime != self.name || row.why.is_none() || !other.contains(&row.layer));
                row.unseen.extend(other);
            }
            doubtful.drain(..).for_each(|row| keep_worst(rows, row));
            keep_worst(rows, row);
            front = Front { after: Some(layer.name.clone()), values: expected };
        }
        doubtful.into_iter().for_each(|row| keep_worst(rows, row));
        Ok(parted)
    }

    /// A layer that differs, with the inputs in which it differs most.
    fn parted(&self, front: &Front, layer: &str, expected: &[Array], found: &[Array], severities: &[f64]) -> Parted {
        let both = expected.iter().zip(found).zip(severities);
        let mut rows: Vec<_> = self.fixtures.iter().zip(&front.values).zip(both).collect();
        rows.sort_by(|(_, (_, a)), (_, (_, b))| b.total_cmp(a));
        let kept = rows.into_iter().take(KEPT).map(|((fixture, input), ((expected, found), _))| {
            let example = Example { input: input.clone(), expected: expected.clone(), found: found.clone() };
            (fixture.name.clone(), example)
        });
        let (fixtures, examples) = kept.unzip();
        Parted { after: front.after.clone(), layer: layer.to_owned(), run: 0, examples, fixtures }
    }
}

/// How far the walk has come: what the reference computed for every input up to a layer.
struct Front {
    after: Option<String>,
    values: Vec<Array>,
}

impl Front {
    /// What `layer` makes of the values; none where the runtime doesn't show it.
    fn run(&self, runtime: &mut dyn Runtime, layer: &str) -> Result<Option<Vec<Array>>> {
        let shape = self.values.first().map(|value| value.shape.as_slice()).unwrap_or_default();
        let Some(mut piece) = runtime.piece(self.after.as_deref(), layer, shape)? else { return Ok(None) };
        self.values.iter().map(|value| piece.run(value)).collect::<Result<_>>().map(Some)
    }
}

/// The recorded outputs of layers.
fn recorded(fixture: &Fixture, taps: &[String]) -> Values {
    fixture.golden.iter().filter(|(name, _)| taps.contains(name)).map(|(n, array)| (n.clone(), array.clone())).collect()
}

/// Whether a layer changes values at test time; exporters leave the others out.
fn computes(op: &Op) -> bool {
    !matches!(op, Op::Dropout(_) | Op::Flatten(_) | Op::AdaptiveAvgPool2d(_) | Op::Softmax(_))
}

/// Whether a layer changes values or their shape, so that what follows can't do without it.
fn shapes(op: &Op) -> bool {
    computes(op) || matches!(op, Op::Flatten(_))
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
        let mut row = LayerComparison::new(&layer.name, layer.op.kind(), &format!("{} against recorded", run.name));
        match Metrics::compare(a, b, what.tolerances.of(&layer.name, run.recorded_tolerance())) {
            Ok(metrics) => row.cumulative = Some(metrics),
            Err(why) => row.why = Some(why),
        }
        row
    })
    .collect()
}

fn keep_worst(rows: &mut Vec<LayerComparison>, new: LayerComparison) {
    match rows.iter_mut().find(|row| row.layer == new.layer && row.runtime == new.runtime) {
        Some(row) => {
            keep_worse(&mut row.cumulative, new.cumulative);
            keep_worse(&mut row.isolated, new.isolated);
            row.why = row.why.take().or(new.why);
            row.unseen.extend(new.unseen);
        }
        None => rows.push(new),
    }
}

fn keep_worse(kept: &mut Option<Metrics>, new: Option<Metrics>) {
    let severity = |metrics: &Option<Metrics>| metrics.as_ref().map_or(-1.0, Metrics::severity);
    if severity(&new) > severity(kept) {
        *kept = new;
    }
}

/// The first layer that differs by itself; failing that, where the logits differ (`apart`), the first whose output does with
/// the differences of the layers before it.
fn first_difference(rows: &[LayerComparison], apart: bool) -> Option<FirstDifference> {
    let sentence = |m: &Metrics| match m.passing_rtol {
        Some(rtol) => {
            format!("max {:.2e} of scale {:.2e}; it would pass at rtol {}", m.max_abs, m.scale, at_least(rtol))
        }
        None => format!("NaN {:?}, infinities {:?}: it can't pass", m.nan, m.infinite),
    };
    let with_others = |row: &&LayerComparison| apart && row.cumulative.as_ref().is_some_and(|m| !m.agrees);
    let row = rows.iter().find(|row| row.differs()).or_else(|| rows.iter().find(with_others))?;
    let (metrics, mode) = match &row.isolated {
        Some(isolated) if !isolated.agrees => (Some(isolated), "isolated"),
        _ if row.cumulative.is_some() => (row.cumulative.as_ref(), "cumulative"),
        _ => (None, "isolated"),
    };
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

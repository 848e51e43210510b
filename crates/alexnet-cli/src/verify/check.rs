use super::layers::{first_difference, walk};
use super::report::{Comparison, Report, Side};
use super::run::{Check, Run, run_side};
use crate::array::Array;
use crate::compare::{Agreement, Metrics, Tolerance, parameters};
use crate::inputs::Fixture;
use crate::subject::Subject;
use anyhow::{Context, Result, bail, ensure};

/// Runs both sides on every input and compares parameters, logits and, where asked or needed, layers.
///
/// Errs where there is nothing to compare, or where the comparison could not have failed.
pub(crate) fn check(what: Check<'_>) -> Result<Report> {
    ensure!(!what.fixtures.is_empty(), "there are no inputs to compare on");
    let parameters = parameters(&what.a.parameters(what.network)?, &what.b.parameters(what.network)?)?;
    let mut unavailable = Vec::new();
    let mut runs = run_side("A", what.a, &what, &mut unavailable)?;
    let of_a = runs.len();
    runs.extend(run_side("B", what.b, &what, &mut unavailable)?);
    let side = |subject: &Subject, runs: &[Run<'_>]| Side {
        path: subject.path(),
        network: subject.network().map(|n| n.name.clone()),
        runtimes: runs.iter().map(|run| run.name.get(3..).unwrap_or_default().to_owned()).collect(),
    };
    let (a, b) = runs.split_at(of_a);
    let (a, b) = (side(what.a, a), side(what.b, b));

    let exact = parameters.is_exact();
    let (consistency, truth) = compare_logits(&what, &runs, exact)?;
    let failing = consistency.iter().chain(&truth).find(|c| !c.agrees()).map(|c| c.fixture.clone());
    let layers = match &failing {
        _ if what.layers => walk(&what, &runs, exact, None)?,
        Some(fixture) => walk(&what, &runs, exact, Some(fixture.as_str()))?,
        None => Vec::new(),
    };
    ensure!(
        !what.layers || !layers.is_empty(),
        "--layers: no layer could be compared; the graph's values bear no names of the network's layers"
    );
    let first_difference = first_difference(&layers);
    let agreed = failing.is_none() && parameters.agrees() && first_difference.is_none();
    let mut report = Report {
        schema: "alexnet-verify/1",
        a,
        b,
        agreed,
        verdict: String::new(),
        fixtures: what.fixtures.iter().map(|f| f.name.clone()).collect(),
        consistency,
        truth,
        parameters: Some(parameters),
        layers,
        first_difference,
        unavailable,
    };
    report.verdict = report.sentence();
    Ok(report)
}

/// Compares the logits of every run with those of the first, and with recorded ones.
fn compare_logits(what: &Check<'_>, runs: &[Run<'_>], exact: bool) -> Result<(Vec<Comparison>, Vec<Comparison>)> {
    let Some((reference, others)) = runs.split_first() else { bail!("there is nothing to run") };
    let (mut consistency, mut truth) = (Vec::new(), Vec::new());
    for (index, fixture) in what.fixtures.iter().enumerate() {
        let logits = |run: &Run<'_>| run.logits.get(index).cloned().context("a run without its logits");
        let expected = logits(reference)?;
        informative(&expected, fixture)?;
        for run in others {
            let tolerance = what.tolerances.of("logits", run.tolerance(reference, exact));
            consistency.push(comparison(fixture, &run.name, &reference.name, &expected, &logits(run)?, tolerance));
        }
        for run in runs {
            let Some(found) = run.probabilities.get(index) else { continue };
            // Held against the softmax of its own logits: a softmax magnifies what the logits already show.
            let tolerance = what.tolerances.of("probabilities", run.recorded_tolerance());
            let expected = logits(run)?.softmax();
            let name = format!("{}, probabilities", run.name);
            consistency.push(comparison(fixture, &name, "the softmax of its logits", &expected, found, tolerance));
        }
        if let Some(golden) = fixture.golden.get("logits") {
            for run in runs {
                let tolerance = what.tolerances.of("logits", run.recorded_tolerance());
                truth.push(comparison(fixture, &run.name, "recorded", golden, &logits(run)?, tolerance));
            }
        }
    }
    ensure!(
        reference.logits.len() < 2 || reference.logits.windows(2).any(|pair| matches!(pair, [x, y] if x != y)),
        "{}: its outputs don't depend on its input: agreement would prove nothing",
        what.a.path()
    );
    ensure!(!consistency.is_empty(), "nothing was compared");
    Ok((consistency, truth))
}

/// Refuses a reference that anything constant would agree with.
fn informative(reference: &Array, fixture: &Fixture) -> Result<()> {
    let constant = reference.data.windows(2).all(|pair| matches!(pair, [x, y] if x == y));
    ensure!(
        reference.data.len() < 2 || !constant,
        "on `{}` the reference's outputs are all {}: agreement would prove nothing",
        fixture.name,
        reference.data.first().copied().unwrap_or(0.0)
    );
    Ok(())
}

fn comparison(
    fixture: &Fixture,
    runtime: &str,
    reference_name: &str,
    reference: &Array,
    output: &Array,
    tolerance: Tolerance,
) -> Comparison {
    let (metrics, why) = match Metrics::compare(reference, output, tolerance) {
        Ok(metrics) => (Some(metrics), None),
        Err(why) => (None, Some(why)),
    };
    let classes = metrics.is_some().then(|| Agreement::of(reference, output)).flatten();
    Comparison {
        fixture: fixture.name.clone(),
        runtime: runtime.to_owned(),
        reference: reference_name.to_owned(),
        tensor: "logits".into(),
        metrics,
        why,
        classes,
    }
}

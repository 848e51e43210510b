//! From what a check found to a case for reduction.

use super::{Case, Difference, Reduced, reduce};
use crate::diagnose::Example;
use crate::runtimes::{Kind, Names, Spec, run_part};
use crate::verify::{Check, Outcome};
use anyhow::{Context, Result, bail};

/// Reduces the first layer that differs to its smallest form.
///
/// Errs where no layer differs by itself, and where the reference isn't a network whose layers can be computed one by one.
pub(crate) fn reduce_found(what: &Check<'_>, outcome: &Outcome<'_>) -> Result<Reduced> {
    let (Some(parted), Some(network)) = (&outcome.parted, what.network) else {
        bail!("no layer differs by itself, so there is none to reduce to");
    };
    let (reference, run) = (outcome.runs.first(), outcome.runs.get(parted.run));
    let (reference, run) = reference.zip(run).context("a layer that nothing ran")?;
    let checkpoint = what.a.checkpoint().context("the reference's layers can't be computed one by one")?;
    let subject = run.launcher.subject;
    // The candle model runs no graphs: what its graph computes elsewhere is the nearest to it.
    let spec = match run.launcher.spec.kind {
        Kind::Candle => Spec::of(Kind::CandleOnnx),
        _ => run.launcher.spec.clone(),
    };
    let graph = subject.graph()?;
    let names = Names::new(graph, Some(network))?;
    let after = parted.after.as_deref();
    let value = |name: &str| {
        let value = names.value(name).map(str::to_owned);
        value.with_context(|| format!("{}: no value of the graph is `{name}`", subject.path()))
    };
    let (from, to) = (after.map_or_else(|| Ok(names.input.clone()), value)?, value(&parted.layer)?);
    // As the walk judged the layer: one file's runtimes share its weights.
    let exact = outcome.report.parameters.as_ref().is_none_or(|parameters| parameters.is_exact());
    let tolerance = what.tolerances.of(&parted.layer, run.tolerance(reference, exact));
    let over = |example: &&Example| {
        let difference = Difference::between(&example.expected, &example.found, tolerance);
        difference.size / difference.bound
    };
    let worst = parted.examples.iter().max_by(|a, b| over(a).total_cmp(&over(b)));
    let input = &worst.context("a layer that differs on no input")?.input;
    let input = input.clone().padded_to(names.batch.unwrap_or(1))?;
    reduce(Case {
        network: &checkpoint.network,
        weights: &checkpoint.weights,
        after,
        layer: &parted.layer,
        model: &graph.model,
        from: &from,
        to: &to,
        input: &input,
        prepare: &|input| if after.is_none() { names.prepared(input) } else { Ok(input.clone()) },
        tolerance,
        run: &mut |model, input| run_part(&spec, model, input),
    })
}

use super::at_once::at_once;
use super::cost::cost;
use super::layers::{Parted, Walk, walk};
use super::report::{Comparison, FirstDifference, Ran, Report, Side};
use super::run::{Check, Run, Runs, TOGETHER, run_all};
use crate::array::Array;
use crate::compare::{Agreement, Metrics, ParameterCheck, Tolerance, parameters_of_steps};
use crate::diagnose::{Case, Diagnosis, diagnose};
use crate::inputs::Fixture;
use crate::runtimes::Kind;
use crate::subject::Subject;
use alexnet_spec::Network;
use anyhow::{Context, Result, bail, ensure};
use std::collections::BTreeMap;

/// The report, and what it was made from: for pages, records and reductions.
pub(crate) struct Outcome<'a> {
    /// What was found.
    pub report: Report,
    /// Everything that ran, the reference first.
    pub runs: Vec<Run<'a>>,
    /// The first layer that differs, run alone.
    pub parted: Option<Parted>,
}

/// Runs both sides on every input and compares parameters, logits and, where asked or needed, layers.
///
/// Errs where there is nothing to compare, or where the comparison could not have failed.
pub(crate) fn check<'a>(what: &Check<'a>) -> Result<Outcome<'a>> {
    ensure!(!what.fixtures.is_empty(), "there are no inputs to compare on");
    if what.runtimes.iter().any(|spec| spec.kind == Kind::Golden) {
        let without = what.fixtures.iter().find(|fixture| !fixture.golden.contains_key("logits"));
        if let Some(fixture) = without {
            bail!(
                "runtime golden: no logits are recorded for `{}`; try --fixtures with a file that holds them",
                fixture.name
            );
        }
    }
    let parameters = what.b.map(|b| compare_parameters(what, b)).transpose()?;
    judge(what, parameters, run_all(what)?)
}

/// Compares what ran.
pub(super) fn judge<'a>(what: &Check<'a>, parameters: Option<ParameterCheck>, ran: Runs<'a>) -> Result<Outcome<'a>> {
    let Runs { runs, unavailable } = ran;
    let Some(reference) = runs.first() else { bail!("there is nothing to run") };
    if let Some(error) = &reference.failed {
        bail!("{error:#}");
    }

    // One file's runtimes share its weights.
    let exact = parameters.as_ref().is_none_or(|parameters| parameters.is_exact());
    let (mut consistency, truth) = compare_logits(what, &runs, exact)?;
    let failed = runs.iter().find(|run| run.failed.is_some());
    let first_fixture = what.fixtures.first().map(|fixture| fixture.name.as_str());
    let disagrees = consistency.iter().chain(&truth).find(|c| !c.agrees());
    let failing =
        disagrees.map(|c| c.fixture.clone()).or(first_fixture.filter(|_| failed.is_some()).map(str::to_owned));
    let together = batches(what, &runs)?;
    consistency.extend(at_once(what, &runs)?);
    let apart_together = together.iter().any(|comparison| !comparison.agrees());
    consistency.extend(together);
    // What integers cost adds up to so much that the logits alone tell little: each layer is held to what it may cost alone.
    let integers = runs.iter().any(Run::is_integer);
    let walked = match &failing {
        // What only a batch shows, only a batch walks to.
        None if apart_together => walk(&Check { fixtures: &[batch(what)?], ..*what }, &runs, exact, true, None)?,
        _ if what.layers || integers && what.network.is_some() => walk(what, &runs, exact, failing.is_some(), None)?,
        Some(fixture) => walk(what, &runs, exact, true, Some(fixture))?,
        None => Walk::default(),
    };
    ensure!(
        !what.layers || !walked.rows.is_empty(),
        "--layers: no layer could be compared; the graph's values bear no names of the network's layers"
    );
    if let Some(error) = failed.and_then(|run| run.failed.as_ref()).filter(|_| walked.first.is_none()) {
        bail!("{error:#}");
    }
    let first = walked.first.map(|first| by_parameters(first, parameters.as_ref(), what.network));
    let mut report = Report {
        schema: "alexnet-verify/2",
        a: side(what.a, "A", &runs),
        b: what.b.map(|b| side(b, "B", &runs)),
        agreed: false,
        verdict: String::new(),
        fixtures: what.fixtures.iter().map(|f| f.name.clone()).collect(),
        consistency,
        truth,
        parameters,
        layers: walked.rows,
        first_difference: first,
        diagnosis: walked.parted.as_ref().and_then(|parted| known_mistake(what, parted)),
        cost: None,
        unavailable,
        reduced: None,
        images: None,
        saved: None,
    };
    report.agreed = report.agrees_on_inputs();
    let unread = report.parameters.as_ref().is_some_and(|parameters| parameters.compared == 0);
    if let (true, Some(run)) = (report.agreed && unread, runs.iter().find(|run| run.is_integer())) {
        bail!(
            "{}: its integers can't be read as parameters, and that the logits are near tells too little of them; try a graph \
             of QuantizeLinear and DequantizeLinear (QuantFormat.QDQ)",
            run.launcher.subject.path()
        );
    }
    report.cost = cost(what, &runs, what.speed && report.agreed)?;
    report.verdict = report.sentence();
    Ok(Outcome { report, runs, parted: walked.parted })
}

/// The first difference, unless it shows in no layer alone and some parameter differs: small differences of parameters add up
/// to something in a later layer first.
fn by_parameters(
    first: FirstDifference,
    parameters: Option<&ParameterCheck>,
    network: Option<&Network>,
) -> FirstDifference {
    let difference = parameters.and_then(|parameters| parameters.differences.first());
    let layer = difference.and_then(|difference| network?.layer(difference.split_once('.')?.0));
    match (difference, layer) {
        (Some(what), Some(layer)) if first.mode == "cumulative" => FirstDifference {
            layer: layer.name.clone(),
            mode: "parameters",
            what: format!("parameter {what}"),
            ..first
        },
        _ => first,
    }
}

/// The known mistake that explains what the first layer that differs gives, where the reference's weights are known.
fn known_mistake(what: &Check<'_>, parted: &Parted) -> Option<Diagnosis> {
    diagnose(&Case {
        network: what.network?,
        weights: &what.a.checkpoint().ok()?.weights,
        after: parted.after.as_deref(),
        layer: &parted.layer,
        examples: &parted.examples,
    })
}

fn side(subject: &Subject, side: &str, runs: &[Run<'_>]) -> Side {
    let own = runs.iter().filter(|run| run.launcher.side == side);
    let ran = |run: &Run<'_>| Ran {
        runtime: run.name.split_once(": ").map_or("", |(_, name)| name).to_owned(),
        arithmetic: run.arithmetic,
        stored: run.stored,
        milliseconds: run.milliseconds,
        failed: run.failed.as_ref().map(|error| format!("{error:#}")),
    };
    Side {
        path: subject.path().to_owned(),
        sha256: subject.sha256(),
        network: subject.network().map(|network| network.name.clone()),
        runs: own.map(ran).collect(),
    }
}

/// Compares the parameters of both sides; one that a side stores as integers may be half a step off.
fn compare_parameters(what: &Check<'_>, b: &Subject) -> Result<ParameterCheck> {
    let mut steps = what.a.steps(what.network);
    for (name, step) in b.steps(what.network) {
        let step = steps.get(&name).map_or_else(|| step.clone(), |other| other.and(&step));
        steps.insert(name, step);
    }
    let mut check = parameters_of_steps(&what.a.parameters(what.network)?, &b.parameters(what.network)?, &steps)?;
    for subject in [what.a, b].into_iter().filter(|subject| subject.is_graph()) {
        check.differences.extend(alexnet_onnx::unpaired(&subject.graph()?.model));
    }
    Ok(check)
}

/// Compares the logits of every run with those of the first, and with recorded ones and those of the source's own framework.
fn compare_logits(what: &Check<'_>, runs: &[Run<'_>], exact: bool) -> Result<(Vec<Comparison>, Vec<Comparison>)> {
    let Some((reference, others)) = runs.split_first() else { bail!("there is nothing to run") };
    let others = || others.iter().filter(|run| run.failed.is_none());
    let source = source_itself(runs);
    let (mut consistency, mut truth) = (Vec::new(), Vec::new());
    for (index, fixture) in what.fixtures.iter().enumerate() {
        let logits = |run: &Run<'_>| run.logits.get(index).cloned().context("a run without its logits");
        let expected = logits(reference)?;
        informative(&expected, fixture)?;
        for run in others() {
            let tolerance = what.tolerances.of("logits", run.tolerance(reference, exact));
            let found = Ok(logits(run)?);
            consistency.push(comparison(&fixture.name, &run.name, &reference.name, &expected, found, tolerance));
        }
        for run in others().filter(|run| run.launcher.side == "B") {
            let Some(source) = source else { break };
            let tolerance = what.tolerances.of("logits", run.tolerance(source, exact));
            let name = format!("{}, the source itself", source.name);
            truth.push(comparison(&fixture.name, &run.name, &name, &logits(source)?, Ok(logits(run)?), tolerance));
        }
        for run in runs.iter().filter(|run| run.failed.is_none()) {
            let Some(found) = run.probabilities.get(index) else { continue };
            // Held against the softmax of its own logits: a softmax magnifies what the logits already show.
            let tolerance = what.tolerances.of("probabilities", run.recorded_tolerance());
            let expected = logits(run)?.softmax();
            let name = format!("{}, probabilities", run.name);
            consistency.push(comparison(
                &fixture.name,
                &name,
                "the softmax of its logits",
                &expected,
                Ok(found.clone()),
                tolerance,
            ));
        }
        if let Some(golden) = fixture.golden.get("logits") {
            for run in runs.iter().filter(|run| run.failed.is_none()) {
                let tolerance = what.tolerances.of("logits", run.recorded_tolerance());
                truth.push(comparison(&fixture.name, &run.name, "recorded", golden, Ok(logits(run)?), tolerance));
            }
        }
    }
    ensure!(
        reference.logits.len() < 2 || reference.logits.windows(2).any(|pair| matches!(pair, [x, y] if x != y)),
        "{}: its outputs don't depend on its input: agreement would prove nothing",
        what.a.path()
    );
    let failed = runs.iter().any(|run| run.failed.is_some());
    let between = others().next().is_some() || failed;
    ensure!(
        between || !truth.is_empty(),
        "nothing was compared: {} ran on {} alone; try a second file, a second --runtime, or --fixtures with recorded logits",
        what.a.path(),
        reference.name
    );
    Ok((consistency, truth))
}

/// The run of the reference as its own framework has it: a graph that another program wrote, on ONNX Runtime. What comes out
/// there owes nothing to how the graph is read here.
fn source_itself<'r, 'a>(runs: &'r [Run<'a>]) -> Option<&'r Run<'a>> {
    let foreign = |subject: &Subject| {
        subject.is_graph() && subject.graph().is_ok_and(|graph| matches!(graph.model.network(), Ok(None)))
    };
    runs.iter().find(|run| {
        let launcher = &run.launcher;
        run.failed.is_none() && launcher.side == "A" && launcher.spec.kind == Kind::Ort && foreign(launcher.subject)
    })
}

/// Several inputs as one.
fn batch(what: &Check<'_>) -> Result<Fixture> {
    let together = || what.fixtures.iter().take(TOGETHER);
    let names: Vec<&str> = together().map(|fixture| fixture.name.as_str()).collect();
    let input = Array::stack(together().map(|fixture| &fixture.input))?;
    Ok(Fixture { name: names.join(", "), input, golden: BTreeMap::new() })
}

/// Every run's logits of one batch against those of the same inputs one by one: a graph may say that it takes any batch, and
/// have a shape of one example in it.
fn batches(what: &Check<'_>, runs: &[Run<'_>]) -> Result<Vec<Comparison>> {
    let mut comparisons = Vec::new();
    for run in runs {
        let Some(together) = &run.batched else { continue };
        let tolerance = what.tolerances.of("logits", run.recorded_tolerance());
        let name = format!("{}, in a batch of {TOGETHER}", run.name);
        for (index, (fixture, alone)) in what.fixtures.iter().zip(&run.logits).take(TOGETHER).enumerate() {
            let found = match together {
                Ok(together) => together.example(index).map_err(|error| error.to_string()),
                Err(why) => Err(why.clone()),
            };
            comparisons.push(comparison(&fixture.name, &name, "the same input alone", alone, found, tolerance));
        }
    }
    Ok(comparisons)
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

/// Holds an output, or why there is none, against its reference.
pub(super) fn comparison(
    fixture: &str,
    runtime: &str,
    reference_name: &str,
    reference: &Array,
    output: Result<Array, String>,
    tolerance: Tolerance,
) -> Comparison {
    let compared = output.and_then(|output| {
        let metrics = Metrics::compare(reference, &output, tolerance)?;
        Ok((metrics, Agreement::of(reference, &output)))
    });
    let (metrics, classes, why) = match compared {
        Ok((metrics, classes)) => (Some(metrics), classes, None),
        Err(why) => (None, None, Some(why)),
    };
    Comparison {
        fixture: fixture.to_owned(),
        runtime: runtime.to_owned(),
        reference: reference_name.to_owned(),
        tensor: "logits".into(),
        metrics,
        why,
        classes,
    }
}

#[cfg(all(test, feature = "candle-onnx"))]
mod tests {
    use super::*;
    use crate::anonymous::anonymous;
    use crate::compare::Tolerances;
    use crate::console::Console;
    use crate::graph::Graph;
    use crate::inputs::builtin;
    use crate::runtimes::Spec;
    use alexnet_onnx::LrnForm;
    use alexnet_onnx::proto::TensorProto;

    /// A graph that says it takes any batch, and flattens all of it into the features of one example.
    #[test]
    fn a_graph_with_the_shape_of_one_example_in_it_does_not_agree() {
        let (network, weights, model) = anonymous("torchvision", LrnForm::Native, |graph| {
            let at = graph.node.iter().position(|node| node.name() == "flatten").unwrap();
            let node = &mut graph.node[at];
            node.op_type = Some("Reshape".into());
            node.attribute.clear();
            node.input.push("shape".into());
            let shape = TensorProto {
                name: Some("shape".into()),
                dims: vec![2],
                data_type: Some(7),
                int64_data: vec![1, -1],
                ..TensorProto::default()
            };
            graph.initializer.push(shape);
        });
        let graph = Graph { path: "b".into(), bytes: Default::default(), external: Vec::new(), model, network: None };
        let (a, b) = (Subject::weights("a".into(), network.clone(), weights), Subject::of_graph(graph));
        let contract = Subject::contract(&a, Some(&b)).unwrap();
        let fixtures = builtin(&contract).unwrap();
        let what = Check {
            a: &a,
            b: Some(&b),
            network: Some(&network),
            fixtures: &fixtures,
            runtimes: &[Spec::of(Kind::CandleOnnx)],
            device: &candle_core::Device::Cpu,
            tolerances: &Tolerances::default(),
            batch: 1,
            batches: true,
            speed: false,
            layers: false,
            console: Console::default(),
        };
        let report = check(&what).unwrap().report;
        assert!(!report.agreed);
        assert!(report.verdict.contains("flatten parts first"), "{}", report.verdict);
        let apart = report.consistency.iter().find(|comparison| !comparison.agrees()).unwrap();
        assert!(apart.runtime.ends_with("in a batch of 2"), "{}", apart.runtime);
        assert!(check(&Check { batches: false, ..what }).unwrap().report.agreed, "one by one it is right");
    }
}

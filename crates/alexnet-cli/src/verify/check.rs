use super::layers::{first_difference, walk};
use super::report::{Comparison, Report, Side};
use crate::args::verify::RuntimeName;
use crate::array::Array;
use crate::compare::{Agreement, Metrics, Tolerance, Tolerances, parameters};
use crate::console::Console;
use crate::inputs::Fixture;
use crate::runtimes::{Runtime, Unavailable};
use crate::subject::{Launcher, Subject, coarsest};
use alexnet_spec::{DType, Network};
use anyhow::{Context, Result, anyhow, bail, ensure};
use candle_core::Device;

/// What to compare, on what, and how strictly.
pub(crate) struct Check<'a> {
    /// The reference.
    pub a: &'a Subject,
    /// What is held against it.
    pub b: &'a Subject,
    /// The network that names the layers, where one is known.
    pub network: Option<&'a Network>,
    /// The inputs.
    pub fixtures: &'a [Fixture],
    /// What runs ONNX graphs; whatever is at hand where it is empty.
    pub runtimes: &'a [RuntimeName],
    /// Where the candle model runs.
    pub device: &'a Device,
    /// The user's tolerances.
    pub tolerances: &'a Tolerances,
    /// Whether to walk the layers even where the logits agree.
    pub layers: bool,
    /// For progress.
    pub console: Console,
}

/// A runtime with the side it stands for, and the logits it gave for every input.
pub(super) struct Run<'a> {
    /// `A` or `B` and the runtime's name.
    pub name: String,
    pub launcher: Launcher<'a>,
    arithmetic: DType,
    stored: DType,
    reorders_sums: bool,
    logits: Vec<Array>,
    /// Empty for what has no softmax.
    probabilities: Vec<Array>,
}

impl Run<'_> {
    /// The tolerance between this run and a reference: that of the coarser arithmetic, and of the coarser weights where
    /// they aren't `exact`ly the same. Half-precision weights in single precision on both sides are no excuse.
    pub fn tolerance(&self, reference: &Run<'_>, exact: bool) -> Tolerance {
        let stored = [self.stored, reference.stored].into_iter().filter(|_| !exact);
        let dtype = coarsest([self.arithmetic, reference.arithmetic].into_iter().chain(stored));
        Tolerance::default_for(dtype, self.reorders_sums || reference.reorders_sums)
    }

    /// The tolerance against what another program recorded, whose weights are not known.
    pub fn recorded_tolerance(&self) -> Tolerance {
        self.tolerance(self, false)
    }

    /// Opens the runtime once more.
    pub fn reopen(&self) -> Result<Box<dyn Runtime>> {
        self.launcher.open()?.map_err(|gone| anyhow!("{}: {}", gone.runtime, gone.why))
    }
}

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

/// Runs everything that can run one side, one after the other, on every input.
fn run_side<'a>(
    side: &str,
    subject: &'a Subject,
    what: &Check<'a>,
    unavailable: &mut Vec<Unavailable>,
) -> Result<Vec<Run<'a>>> {
    let mut runs = Vec::new();
    let mut missing = Vec::new();
    for launcher in subject.launchers(what.network, what.runtimes, what.device) {
        let mut runtime = match launcher.open()? {
            Ok(runtime) => runtime,
            Err(gone) => {
                what.console.detail(format_args!("{}: {} is not used: {}", subject.path(), gone.runtime, gone.why));
                missing.push(gone);
                continue;
            }
        };
        let name = format!("{side}: {}", runtime.name());
        let (mut logits, mut probabilities) = (Vec::new(), Vec::new());
        for fixture in what.fixtures {
            let mut values =
                runtime.run(&fixture.input, &[]).with_context(|| format!("{name} on `{}`", fixture.name))?;
            logits.push(values.remove("logits").context("a runtime without logits")?);
            probabilities.extend(values.remove("probabilities"));
        }
        runs.push(Run {
            name,
            launcher,
            arithmetic: runtime.arithmetic(),
            stored: runtime.stored(),
            reorders_sums: runtime.reorders_sums(),
            logits,
            probabilities,
        });
    }
    if runs.is_empty() {
        let why: Vec<String> = missing.iter().map(|m: &Unavailable| format!("{}: {}", m.runtime, m.why)).collect();
        bail!("{}: nothing here can run it ({})", subject.path(), why.join("; "));
    }
    missing.retain(|new| unavailable.iter().all(|known| (known.runtime, &known.why) != (new.runtime, &new.why)));
    unavailable.extend(missing);
    Ok(runs)
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

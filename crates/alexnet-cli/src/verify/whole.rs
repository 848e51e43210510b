//! Whether a model computes at once what it computes layer by layer.
//!
//! The candle model's logits are those of `AlexNet::forward`, which programs call; on most devices it is other code than the
//! layers, which are walked and blamed. Where it agrees with another runtime, that one vouches for it. Where there is none, and
//! where anything differs, its own layers are asked: that it parts from them is no layer's doing.

use super::check::comparison;
use super::report::{Comparison, FirstDifference};
use super::run::{Check, Run};
use crate::array::Array;
use crate::compare::Tolerance;
use crate::inputs::Fixture;
use anyhow::Result;

/// What the candle model calls the computation of all layers at once.
const NAME: &str = "AlexNet::forward";

/// The inputs on which runs are held against their own layers.
pub(super) enum Inputs<'a> {
    /// All, one by one.
    All,
    /// The one of this name.
    Named(&'a str),
    /// This one, of several inputs that every run was given as one.
    Together(&'a Fixture),
}

/// What was found.
#[derive(Default)]
pub(super) struct Whole {
    /// For each run that has logits from other code than its layers, each input.
    pub rows: Vec<Comparison>,
    /// The first run that parts from its own layers.
    pub first: Option<FirstDifference>,
}

impl Whole {
    /// Holds the logits that `runs` gave for `inputs` against those of their own layers.
    pub(super) fn add(&mut self, what: &Check<'_>, runs: &[Run<'_>], inputs: &Inputs<'_>) -> Result<()> {
        for run in runs {
            let given = inputs.given(what, run);
            if given.is_empty() {
                continue;
            }
            let mut runtime = what.open(&run.launcher)?;
            for (fixture, logits) in given {
                let Some(expected) = runtime.by_layers(&fixture.input)? else { break };
                let (name, found) = (format!("{}, {NAME}", run.name), Ok(logits.clone()));
                let layers = "its own layers, one by one";
                let row = comparison(&fixture.name, &name, layers, &expected, found, tolerance(what, run));
                self.first = self.first.take().or_else(|| parts(&row, run));
                self.rows.push(row);
            }
        }
        Ok(())
    }
}

impl Inputs<'_> {
    /// Each input with the logits that `run` gave for it.
    fn given<'r>(&'r self, what: &'r Check<'_>, run: &'r Run<'_>) -> Vec<(&'r Fixture, &'r Array)> {
        let alone = what.fixtures.iter().zip(&run.logits);
        match self {
            Inputs::All => alone.collect(),
            Inputs::Named(name) => alone.filter(|(fixture, _)| fixture.name == *name).collect(),
            Inputs::Together(batch) => run.batched.iter().flatten().map(|logits| (*batch, logits)).collect(),
        }
    }
}

/// Two ways of one program to the same numbers round differently, however strictly two files are to be held.
fn tolerance(what: &Check<'_>, run: &Run<'_>) -> Tolerance {
    let usual = run.recorded_tolerance();
    let asked = what.tolerances.of("logits", usual);
    Tolerance { atol: usual.atol.max(asked.atol), rtol: usual.rtol.max(asked.rtol), ..usual }
}

fn parts(row: &Comparison, run: &Run<'_>) -> Option<FirstDifference> {
    let what = match (&row.why, &row.metrics) {
        _ if row.agrees() => return None,
        (None, Some(metrics)) => format!("on `{}`, {}", row.fixture, metrics.in_words()),
        (why, _) => format!("on `{}`, {}", row.fixture, why.as_deref().unwrap_or_default()),
    };
    Some(FirstDifference { layer: NAME.into(), runtime: run.name.clone(), mode: "whole", what })
}

#[cfg(all(test, feature = "candle-onnx"))]
mod tests {
    use super::super::check::{check, judge};
    use super::super::report::Report;
    use super::super::run::run_all;
    use super::*;
    use crate::anonymous::anonymous;
    use crate::compare::Tolerances;
    use crate::console::Console;
    use crate::graph::Graph;
    use crate::inputs::builtin;
    use crate::runtimes::{Kind, Spec};
    use crate::subject::Subject;
    use alexnet_onnx::LrnForm;
    use candle_core::Device;

    /// A network's weights beside themselves (`kind` candle) or beside its graph, as `judged` finds them.
    fn judged(kind: Kind, judged: impl Fn(&Check<'_>) -> Report) -> Report {
        let (network, weights, model) = anonymous("torchvision", LrnForm::Native, |_| ());
        let a = Subject::weights("a".into(), network.clone(), weights.clone());
        let b = match kind {
            Kind::Candle => Subject::weights("b".into(), network.clone(), weights),
            _ => Subject::of_graph(Graph::of_model("b", model, Default::default())),
        };
        let fixtures = builtin(&Subject::contract(&a, Some(&b)).unwrap()).unwrap();
        judged(&Check {
            a: &a,
            b: Some(&b),
            network: Some(&network),
            fixtures: &fixtures,
            runtimes: &[Spec::of(kind)],
            device: &Device::Cpu,
            tolerances: &Tolerances::default(),
            batch: 1,
            batches: true,
            speed: false,
            layers: false,
            console: Console::default(),
        })
    }

    /// What comes out where `AlexNet::forward` computes the `wrong` logits.
    fn where_wrong(kind: Kind, wrong: impl Fn(&mut Run<'_>)) -> Report {
        judged(kind, |what| {
            let mut ran = run_all(what).unwrap();
            let candle = |run: &&mut Run<'_>| run.launcher.spec.kind == Kind::Candle;
            ran.runs.iter_mut().filter(candle).for_each(&wrong);
            judge(what, None, ran).unwrap().report
        })
    }

    fn larger(logits: &mut Array) {
        logits.data.iter_mut().for_each(|logit| *logit *= 1.001);
    }

    fn assert_named(report: &Report) {
        assert!(!report.agreed);
        let named = "DISAGREED: AlexNet::forward parts from its own layers (A: candle cpu): on `";
        assert!(report.verdict.starts_with(named), "{}", report.verdict);
        assert!(report.layers.iter().all(|row| !row.differs()), "no layer is blamed");
        assert!(report.diagnosis.is_none());
    }

    #[test]
    fn what_is_wrong_on_both_sides_alike_is_found() {
        let report = where_wrong(Kind::Candle, |run| run.logits.iter_mut().for_each(larger));
        assert_named(&report);
        let between = |row: &&Comparison| row.reference == "A: candle cpu";
        assert!(report.consistency.iter().filter(between).all(Comparison::agrees), "the sides agree");
        assert_eq!(report.first_difference.unwrap().mode, "whole");
    }

    #[test]
    fn a_graph_that_is_right_is_not_blamed_for_it() {
        assert_named(&where_wrong(Kind::CandleOnnx, |run| run.logits.iter_mut().for_each(larger)));
    }

    #[test]
    fn what_only_a_batch_shows_is_found() {
        let report = where_wrong(Kind::CandleOnnx, |run| run.batched.iter_mut().flatten().for_each(larger));
        assert_named(&report);
    }

    #[test]
    fn what_is_no_number_is_found() {
        let report = where_wrong(Kind::Candle, |run| {
            run.logits.iter_mut().for_each(|logits| logits.data.iter_mut().take(1).for_each(|logit| *logit = f32::NAN));
        });
        assert_named(&report);
    }

    #[test]
    fn layers_run_where_nothing_else_vouches_for_it_alone() {
        let own = |report: &Report| report.consistency.iter().filter(|row| row.runtime.ends_with(NAME)).count();
        let right = |kind| judged(kind, |what| check(what).unwrap().report);
        let (alone, beside) = (right(Kind::Candle), right(Kind::CandleOnnx));
        assert!(alone.agreed && beside.agreed, "{}\n{}", alone.verdict, beside.verdict);
        assert_eq!((own(&alone), own(&beside)), (alone.fixtures.len(), 0));
    }
}

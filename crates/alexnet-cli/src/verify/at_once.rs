//! Whether a program that calls the model gets what the model's layers compute.
//!
//! Layers are what is compared and blamed. `AlexNet::forward`, which programs call, is other code on most devices (fused
//! stages on a CPU, a plan on a GPU), of which the layers say nothing.

use super::check::comparison;
use super::report::Comparison;
use super::run::{Check, Run, TOGETHER};
use crate::array::Array;
use crate::compare::Tolerance;
use anyhow::{Context, Result};

/// What comparisons call it, after the run's name.
const NAME: &str = "AlexNet::forward";

/// How much more is allowed than between two files: the same sums in another order, of which a norm makes more where its input
/// is far larger than what it is for. Of noise twenty times too large, 2e-5 of the largest logit were seen, the one 6e-6, the
/// other 1.4e-5 from sums in f64.
const ALLOWANCE: f64 = 5.0;

/// Every run's logits at once against those of its layers: of each input, and of a batch.
pub(super) fn at_once(what: &Check<'_>, runs: &[Run<'_>]) -> Result<Vec<Comparison>> {
    let mut comparisons = Vec::new();
    for run in runs {
        let usual = run.recorded_tolerance();
        let usual = Tolerance { rtol: ALLOWANCE * usual.rtol, ..usual };
        let asked = what.tolerances.of("logits", usual);
        // However strictly two files are to be held: rounding stays.
        let tolerance = Tolerance { atol: asked.atol.max(usual.atol), rtol: asked.rtol.max(usual.rtol), ..usual };
        let mut hold = |name: String, index: usize, found: Array| -> Result<()> {
            let fixture = what.fixtures.get(index).context("logits without an input")?;
            let layers = run.logits.get(index).context("an input without logits")?;
            comparisons.push(comparison(&fixture.name, &name, "its layers one by one", layers, Ok(found), tolerance));
            Ok(())
        };
        for (index, found) in run.at_once.iter().enumerate() {
            hold(format!("{}, {NAME}", run.name), index, found.clone())?;
        }
        if let Some(together) = &run.batched_at_once {
            for index in 0..TOGETHER {
                hold(format!("{}, {NAME} of a batch of {TOGETHER}", run.name), index, together.example(index)?)?;
            }
        }
    }
    Ok(comparisons)
}

#[cfg(all(test, feature = "candle-onnx"))]
mod tests {
    use super::super::check::judge;
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

    /// What is found of a network and its graph, where the candle model's run is changed first.
    fn report(change: impl Fn(&mut Run<'_>)) -> Report {
        let (network, weights, model) = anonymous("torchvision", LrnForm::Native, |_| ());
        let a = Subject::weights("a".into(), network.clone(), weights);
        let b = Subject::of_graph(Graph::of_model("b", model, Default::default()));
        let fixtures = builtin(&Subject::contract(&a, Some(&b)).unwrap()).unwrap();
        let what = Check {
            a: &a,
            b: Some(&b),
            network: Some(&network),
            fixtures: &fixtures,
            runtimes: &[Spec::of(Kind::CandleOnnx)],
            device: &Device::Cpu,
            tolerances: &Tolerances::default(),
            batch: 1,
            batches: true,
            speed: false,
            layers: false,
            console: Console::default(),
        };
        let mut ran = run_all(&what).unwrap();
        ran.runs.iter_mut().filter(|run| run.launcher.spec.kind == Kind::Candle).for_each(change);
        judge(&what, None, ran).unwrap().report
    }

    fn larger(logits: &mut Array) {
        logits.data.iter_mut().for_each(|logit| *logit *= 1.001);
    }

    #[test]
    fn every_input_and_the_batch_are_held_against_the_layers() {
        let report = report(|_| ());
        assert!(report.agreed, "{}", report.verdict);
        let named = |name: &str| report.consistency.iter().filter(|row| row.runtime.ends_with(name)).count();
        assert_eq!((named(NAME), named("AlexNet::forward of a batch of 2")), (report.fixtures.len(), 2));
    }

    #[test]
    fn where_it_alone_is_wrong_it_is_named_and_no_layer() {
        let report = report(|run| run.at_once.iter_mut().for_each(larger));
        assert!(!report.agreed);
        let fixture = &report.fixtures[0];
        let named = format!("DISAGREED: the logits of A: candle cpu, AlexNet::forward part on `{fixture}`");
        assert!(report.verdict.starts_with(&named), "{}", report.verdict);
        assert!(report.first_difference.is_none());
    }

    #[test]
    fn what_only_a_batch_shows_is_found() {
        let report = report(|run| run.batched_at_once.iter_mut().for_each(larger));
        assert!(!report.agreed);
        assert!(report.verdict.contains("AlexNet::forward of a batch of 2 part on"), "{}", report.verdict);
    }

    #[test]
    fn what_is_no_number_is_found() {
        let report = report(|run| run.at_once.iter_mut().for_each(|logits| logits.data[0] = f32::NAN));
        assert!(!report.agreed);
    }
}

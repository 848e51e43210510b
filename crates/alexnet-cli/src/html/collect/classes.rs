use crate::array::Array;
use crate::html::evidence::{Class, Classification};
use crate::verify::{Check, Outcome};

/// Inputs whose classes are shown.
const INPUTS: usize = 4;
/// Classes of each.
const FIRST: usize = 5;

/// The first classes of every run, for the inputs where the logits differ before all others.
pub fn classifications(what: &Check<'_>, outcome: &Outcome<'_>) -> Vec<Classification> {
    let report = &outcome.report;
    let differs = |name: &str| {
        let mut compared = report.consistency.iter().chain(&report.truth);
        compared.any(|row| row.fixture == name && !row.agrees())
    };
    let mut order: Vec<usize> = (0..what.fixtures.len()).collect();
    order.sort_by_cached_key(|&index| what.fixtures.get(index).is_none_or(|fixture| !differs(&fixture.name)));
    let shown = order.into_iter().take(INPUTS).filter_map(|index| {
        let runs = outcome.runs.iter().filter_map(|run| Some((run.name.clone(), first(run.logits.get(index)?))));
        Some(Classification { fixture: what.fixtures.get(index)?.name.clone(), runs: runs.collect() })
    });
    shown.collect()
}

/// The classes with the largest logits, falling; equal ones by rising index.
fn first(logits: &Array) -> Vec<Class> {
    let probabilities = logits.softmax().data;
    let both = logits.data.iter().zip(probabilities).enumerate();
    let mut classes: Vec<Class> =
        both.map(|(index, (&logit, probability))| Class { index, logit, probability }).collect();
    classes.sort_by(|a, b| b.logit.total_cmp(&a.logit).then(a.index.cmp(&b.index)));
    classes.truncate(FIRST);
    classes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_logit_comes_first() {
        let logits = Array { shape: vec![1, 7], data: vec![1.0, 5.0, 3.0, 5.0, -2.0, 4.0, 2.0] };
        let classes = first(&logits);
        assert_eq!(classes.iter().map(|class| class.index).collect::<Vec<_>>(), [1, 3, 5, 2, 6]);
        // e^5 / (e + 2 e^5 + e^3 + e^-2 + e^4 + e^2)
        assert!((classes[0].probability - 0.3888).abs() < 1e-4, "{classes:?}");
    }
}

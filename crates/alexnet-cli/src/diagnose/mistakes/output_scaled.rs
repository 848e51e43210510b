use super::super::fit::{factor, shown};
use super::{Attempt, Mistake, Suspect};

pub(super) const MISTAKE: Mistake = Mistake {
    id: "output-scaled",
    remedy: "look for a factor between the layer and the next, such as Gemm's alpha, a Mul or a Dropout that scales",
    attempts,
};

fn attempts<'a>(suspect: &'a Suspect<'a>) -> Vec<Attempt<'a>> {
    let Some(last) = suspect.last() else { return Vec::new() };
    let values = |of: fn(&crate::diagnose::Example) -> &crate::array::Array| -> Vec<f64> {
        suspect.examples.iter().flat_map(|e| of(e).data.iter().map(|v| f64::from(*v))).collect()
    };
    let ratio = suspect.same_shapes().then(|| factor(&values(|e| &e.expected), &values(|e| &e.found))).flatten();
    let attempt = |ratio: f64| {
        let sentence = format!("{}'s whole output looks multiplied by {}", last.name, shown(ratio));
        Attempt::output(sentence, move |example| {
            let data = example.expected.data.iter().map(|v| (f64::from(*v) * ratio) as f32).collect();
            crate::array::Array::new(example.expected.shape.clone(), data)
        })
        .fitted(1)
    };
    // A factor of nothing is another mistake's.
    ratio.filter(|ratio| ratio.abs() > 1e-6).map(attempt).into_iter().collect()
}

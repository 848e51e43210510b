//! The running variance is kept as it is, as a standard deviation, or as the reciprocal of one; the mean as it is or negated.

use super::{Attempt, Mistake, Suspect};
use alexnet_spec::Tensor;

pub(super) const MISTAKE: Mistake = Mistake {
    id: "batch-norm-statistics",
    remedy: "check what the file keeps: Caffe's sums have to be divided by its third blob, some keep a standard deviation or its reciprocal for the variance",
    attempts,
};

type Change = (&'static str, &'static str, fn(f32, f32) -> f32);

/// A parameter, what it looks like, and what it becomes of its own value and of epsilon.
const CHANGES: [Change; 13] = [
    ("running_var", "a standard deviation, not a variance", |v, eps| (v + eps).sqrt()),
    ("running_var", "a standard deviation without epsilon, not a variance", |v, _| v.sqrt()),
    ("running_var", "a variance of a variance: squared", |v, _| v * v),
    ("running_var", "the reciprocal of the variance", |v, _| 1.0 / v),
    ("running_var", "the reciprocal of the standard deviation", |v, eps| 1.0 / (v + eps).sqrt()),
    ("running_var", "ignored: one", |_, _| 1.0),
    ("running_var", "a variance with epsilon in it twice", |v, eps| v + eps),
    ("running_mean", "ignored: zero", |_, _| 0.0),
    ("running_mean", "negated", |v, _| -v),
    ("weight", "ignored: one", |_, _| 1.0),
    ("weight", "negated", |v, _| -v),
    ("bias", "ignored: zero", |_, _| 0.0),
    ("bias", "negated", |v, _| -v),
];

fn attempts<'a>(suspect: &'a Suspect<'a>) -> Vec<Attempt<'a>> {
    let mut attempts = Vec::new();
    for place in suspect.batch_norms() {
        let tensor = |role: &str| format!("{}.{role}", place.name);
        for (role, what, change) in CHANGES {
            let name = tensor(role);
            let changed = |t: &Tensor| {
                let values: Vec<f32> = t.to_f32().ok()?.into_iter().map(|v| change(v, place.op.eps as f32)).collect();
                Tensor::from_f32(t.shape().to_vec(), &values).ok()
            };
            let piece = suspect.piece.with_tensor(&name, changed);
            attempts.extend(piece.map(|piece| Attempt::piece(format!("{name} looks {}{what}", taken(what)), piece)));
        }
        for (one, other) in [("running_mean", "running_var"), ("weight", "bias"), ("weight", "running_var"), ("bias", "running_mean")] {
            let (a, b) = (tensor(one), tensor(other));
            let (first, second) = (suspect.piece.tensors.get(&a), suspect.piece.tensors.get(&b));
            let piece = suspect.piece.with_tensor(&a, |_| second.cloned()).and_then(|p| p.with_tensor(&b, |_| first.cloned()));
            attempts.extend(piece.map(|piece| Attempt::piece(format!("{a} and {other} look exchanged"), piece)));
        }
    }
    attempts
}

/// "looks like a standard deviation", but "looks ignored".
fn taken(what: &str) -> &'static str {
    if what.starts_with(['i', 'n']) { "" } else { "like " }
}

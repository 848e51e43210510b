use super::super::fit::shown;
use super::one_weight::differences;
use super::{Attempt, Mistake, Suspect};
use alexnet_spec::{Op, Tensor};

pub(super) const MISTAKE: Mistake =
    Mistake { id: "bias-values", remedy: "compare the bias with the reference's; the weights are right", attempts };

/// Fewer values of a channel would make any difference look like a bias.
const LEAST: usize = 3;

fn attempts<'a>(suspect: &'a Suspect<'a>) -> Vec<Attempt<'a>> {
    suspect.last().and_then(|last| fitted(suspect, &last.name, &last.op)).into_iter().collect()
}

/// Each channel's bias is moved by the mean of what it differs.
fn fitted<'a>(suspect: &'a Suspect<'a>, name: &str, op: &Op) -> Option<Attempt<'a>> {
    if !matches!(op, Op::Conv2d(_) | Op::Linear(_) | Op::BatchNorm2d(_)) || !suspect.same_shapes() {
        return None;
    }
    let own = suspect.tensor("bias")?.to_f32().ok()?;
    let mut moved = Vec::with_capacity(own.len());
    for channel in 0..own.len() {
        let differences = differences(suspect, channel);
        moved.push(differences.iter().sum::<f64>() / differences.len().max(LEAST) as f64);
        if differences.len() < LEAST {
            return None;
        }
    }
    let largest = moved.iter().fold(0.0f64, |m, v| m.max(v.abs()));
    // A mean of rounding is no move.
    let others: Vec<usize> = (0..moved.len()).filter(|at| moved.get(*at).is_some_and(|v| v.abs() > 1e-3 * largest)).collect();
    let (&first, change) = (others.first()?, |at: usize| moved.get(at).copied().unwrap_or(0.0));
    let was = f64::from(*own.get(first)?);
    let changed = |t: &Tensor| {
        let values: Vec<f32> = own.iter().enumerate().map(|(at, v)| (f64::from(*v) + change(at)) as f32).collect();
        Tensor::from_f32(t.shape().to_vec(), &values).ok()
    };
    let piece = suspect.piece.with_tensor(&format!("{name}.bias"), changed)?;
    let sentence = match others.len() {
        1 => format!("{name}.bias[{first}] alone looks changed: {} for {}", shown(was + change(first)), shown(was)),
        count => format!("{name}.bias looks changed in {count} of {} channels", own.len()),
    };
    Some(Attempt::piece(sentence, piece).fitted(others.len().max(1)))
}

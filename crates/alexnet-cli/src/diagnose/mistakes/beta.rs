use super::super::fit::{factor, shown};
use super::response::Response;
use super::{Attempt, Mistake, Suspect};
use alexnet_spec::layers::LocalResponseNorm;

pub(super) const MISTAKE: Mistake = Mistake {
    id: "beta",
    remedy: "LRN's beta is 0.75 in the paper and 0.5 in TensorFlow where nothing is said: give it explicitly",
    attempts,
};

fn attempts<'a>(suspect: &'a Suspect<'a>) -> Vec<Attempt<'a>> {
    let mut attempts: Vec<_> = [0.75, 0.5, 1.0].iter().flat_map(|beta| with(suspect, *beta)).collect();
    let fitted = || {
        let response = Response::of(suspect)?;
        let norm = response.norm;
        let bases = response.sums.iter().map(|sum| (norm.k + norm.effective_alpha() * sum).ln());
        factor(&bases.collect::<Vec<_>>(), &response.logarithms())
    };
    attempts.extend(fitted().into_iter().flat_map(|beta| with(suspect, beta)).map(|attempt| attempt.fitted(1)));
    attempts
}

fn with<'a>(suspect: &'a Suspect<'a>, beta: f64) -> Vec<Attempt<'a>> {
    let norms = suspect.norms().into_iter();
    norms
        .filter_map(|place| {
            let piece = suspect.piece.with_op(place.index, LocalResponseNorm { beta, ..place.op.clone() })?;
            Some(Attempt::piece(format!("beta looks like {}, not {}", shown(beta), shown(place.op.beta)), piece))
        })
        .collect()
}

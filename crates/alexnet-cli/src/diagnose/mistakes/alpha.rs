use super::super::fit::{factor, shown};
use super::response::Response;
use super::{Attempt, Mistake, Suspect};
use alexnet_spec::layers::LocalResponseNorm;

pub(super) const MISTAKE: Mistake =
    Mistake { id: "alpha", remedy: "compare LRN's alpha with the reference's", attempts };

fn attempts<'a>(suspect: &'a Suspect<'a>) -> Vec<Attempt<'a>> {
    let fitted = || {
        let response = Response::of(suspect)?;
        let norm = response.norm;
        // x / found is (k + a S)^beta, so a is what S has to be multiplied by.
        let above: Vec<f64> = response.bases(norm.beta).iter().map(|base| base - norm.k).collect();
        let ratio = factor(&response.sums, &above)? / norm.effective_alpha();
        Some(times(suspect, move |_| ratio, "alpha looks another").into_iter().map(|attempt| attempt.fitted(1)).collect())
    };
    fitted().unwrap_or_default()
}

/// Alpha times a factor, in every norm of the suspect.
pub(super) fn times<'a>(
    suspect: &'a Suspect<'a>,
    ratio: impl Fn(&LocalResponseNorm) -> f64,
    what: &str,
) -> Vec<Attempt<'a>> {
    let norms = suspect.norms().into_iter();
    norms
        .filter_map(|place| {
            let ratio = ratio(place.op);
            let norm = LocalResponseNorm { alpha: place.op.alpha * ratio, ..place.op.clone() };
            let piece = suspect.piece.with_op(place.index, norm)?;
            Some(Attempt::piece(format!("{what}: ratio {}", shown(ratio)), piece))
        })
        .collect()
}

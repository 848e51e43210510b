//! Several of a response norm's constants at once, as where one author's are taken for another's.

use super::super::fit::{least_squares, near, shown};
use super::response::Response;
use super::{Attempt, Mistake, Suspect};
use alexnet_spec::layers::LocalResponseNorm;

pub(super) const MISTAKE: Mistake = Mistake {
    id: "norm-constants",
    remedy: "LRN has the constants of another network or another framework's defaults: give all four explicitly",
    attempts,
};

fn attempts<'a>(suspect: &'a Suspect<'a>) -> Vec<Attempt<'a>> {
    let Some(response) = Response::of(suspect) else { return Vec::new() };
    let own = response.norm.beta;
    let betas = std::iter::once(own).chain([0.75, 0.5, 1.0].into_iter().filter(|beta| *beta != own));
    betas.filter_map(|beta| with(suspect, &response, beta)).collect()
}

/// The constants that explain the outputs best, if the exponent is `beta`.
fn with<'a>(suspect: &'a Suspect<'a>, response: &Response<'_>, beta: f64) -> Option<Attempt<'a>> {
    let ones = vec![1.0; response.sums.len()];
    let found = least_squares(&[ones, response.sums.clone()], &response.bases(beta))?;
    let [k, effective] = found.as_slice() else { return None };
    let norm = response.norm;
    let ratio = effective / norm.effective_alpha();
    let mut what = Vec::new();
    if !near(*k, norm.k) {
        what.push(format!("k looks like {}, not {}", shown(*k), shown(norm.k)));
    }
    if near(ratio, norm.size as f64) {
        what.push(format!("alpha looks undivided: ratio {}", shown(ratio)));
    } else if !near(ratio, 1.0) {
        what.push(format!("alpha looks {} times what it is", shown(ratio)));
    }
    if beta != norm.beta {
        what.push(format!("beta looks like {}, not {}", shown(beta), shown(norm.beta)));
    }
    let changed = LocalResponseNorm { k: *k, alpha: norm.alpha * ratio, beta, ..norm.clone() };
    let piece = suspect.piece.with_op(response.index, changed)?;
    (!what.is_empty()).then(|| Attempt::piece(what.join(" and "), piece).fitted(2))
}

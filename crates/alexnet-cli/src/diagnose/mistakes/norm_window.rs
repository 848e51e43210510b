use super::{Attempt, Mistake, Suspect};
use alexnet_spec::layers::LocalResponseNorm;

pub(super) const MISTAKE: Mistake = Mistake {
    id: "norm-window",
    remedy: "LRN's size counts all channels of the window; TensorFlow's depth_radius counts those on one side",
    attempts,
};

fn attempts<'a>(suspect: &'a Suspect<'a>) -> Vec<Attempt<'a>> {
    let mut attempts = Vec::new();
    for place in suspect.norms() {
        let norm = place.op;
        for size in (1..=2 * norm.size.min(32) + 1).filter(|size| *size != norm.size) {
            let divided = LocalResponseNorm { size, ..norm.clone() };
            let effective = norm.effective_alpha() * size as f64;
            let undivided = LocalResponseNorm { size, alpha: effective, ..norm.clone() };
            let sentence = format!("the window looks {size} channels wide, not {}", norm.size);
            for changed in [divided, undivided] {
                let piece = suspect.piece.with_op(place.index, changed);
                attempts.extend(piece.map(|piece| Attempt::piece(sentence.clone(), piece)));
            }
        }
    }
    attempts
}

//! The 2012 program and Caffe's first networks don't scale in training, so weights after a dropout are halved at test time.

use super::{Attempt, Mistake, Suspect, scaled};

pub(super) const MISTAKE: Mistake = Mistake {
    id: "dropout-factor",
    remedy: "the 2012 program halves what comes from a dropout layer at test time, PyTorch, Keras and today's Caffe double it in training: fold the factor into the weights once",
    attempts,
};

fn attempts<'a>(suspect: &'a Suspect<'a>) -> Vec<Attempt<'a>> {
    let mut attempts = Vec::new();
    for place in suspect.linears() {
        let name = format!("{}.weight", place.name);
        for (factor, what) in [(2.0, "missing: twice"), (0.5, "applied twice, or where there is none: half")] {
            let piece = scaled(&suspect.piece, &name, factor);
            let sentence = format!("a dropout factor looks {what} the reference's weights in {}", place.name);
            attempts.extend(piece.map(|piece| Attempt::piece(sentence, piece)));
        }
    }
    attempts
}

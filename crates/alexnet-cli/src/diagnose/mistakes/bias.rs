use super::{Attempt, Mistake, Suspect, scaled};

pub(super) const MISTAKE: Mistake =
    Mistake { id: "bias", remedy: "look at the layer's bias: whether it is there, and added once", attempts };

fn attempts<'a>(suspect: &'a Suspect<'a>) -> Vec<Attempt<'a>> {
    let mut attempts = Vec::new();
    for name in suspect.piece.tensors.keys().filter(|name| name.ends_with(".bias")) {
        for (factor, what) in [(0.0, "left out"), (2.0, "added twice"), (-1.0, "subtracted")] {
            let piece = scaled(&suspect.piece, name, factor);
            attempts.extend(piece.map(|piece| Attempt::piece(format!("{name} looks {what}"), piece)));
        }
    }
    attempts
}

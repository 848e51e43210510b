use super::{Attempt, Mistake, Suspect, conv_pads};
use alexnet_spec::layers::{MaxPool2d, Rounding};

pub(super) const MISTAKE: Mistake = Mistake {
    id: "pool-padding",
    remedy: "AlexNet's pools have no padding: look at `pads` and `auto_pad`, and at what a padded pixel counts as",
    attempts,
};

fn attempts<'a>(suspect: &'a Suspect<'a>) -> Vec<Attempt<'a>> {
    let mut attempts = Vec::new();
    for place in suspect.pools() {
        let pool = place.op;
        for pads in conv_pads::candidates(pool.kernel, pool.pads) {
            for rounding in [pool.rounding, Rounding::Floor, Rounding::Ceil] {
                let piece = suspect.piece.with_op(place.index, MaxPool2d { pads, rounding, ..pool.clone() });
                let sentence =
                    format!("{}'s pads look like {pads:?} (top, left, bottom, right), not {:?}", place.name, pool.pads);
                attempts.extend(piece.map(|piece| Attempt::piece(sentence, piece)));
            }
        }
    }
    attempts
}

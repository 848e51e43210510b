use super::{Attempt, Mistake, Suspect};

pub(super) const MISTAKE: Mistake =
    Mistake { id: "layer-missing", remedy: "look for the layer in the other graph: it computes nothing there", attempts };

fn attempts<'a>(suspect: &'a Suspect<'a>) -> Vec<Attempt<'a>> {
    let without = |index: usize| {
        let mut piece = suspect.piece.clone();
        let gone = piece.layers.remove(index);
        Attempt::piece(format!("{} looks left out", gone.name), piece)
    };
    (0..suspect.piece.layers.len()).map(without).collect()
}

use super::{Attempt, Mistake, Suspect};
use alexnet_spec::layers::LocalResponseNorm;

pub(super) const MISTAKE: Mistake = Mistake {
    id: "norm-towers",
    remedy: "whether a window reaches from one tower into the other differs between the 2012 program and Caffe: split the channels before LRN, or don't",
    attempts,
};

fn attempts<'a>(suspect: &'a Suspect<'a>) -> Vec<Attempt<'a>> {
    let mut attempts = Vec::new();
    for place in suspect.norms() {
        for groups in [1, 2].into_iter().filter(|groups| *groups != place.op.groups) {
            let sentence = match groups {
                1 => "the norm looks computed across the towers, not within each".to_owned(),
                _ => format!("the norm looks computed within each of {groups} towers, not across them"),
            };
            let piece = suspect.piece.with_op(place.index, LocalResponseNorm { groups, ..place.op.clone() });
            attempts.extend(piece.map(|piece| Attempt::piece(sentence, piece)));
        }
    }
    attempts
}

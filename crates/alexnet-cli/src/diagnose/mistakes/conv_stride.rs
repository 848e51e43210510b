use super::{Attempt, Mistake, Suspect};
use alexnet_spec::layers::Conv2d;

pub(super) const MISTAKE: Mistake =
    Mistake { id: "stride", remedy: "compare the convolution's strides with the reference's", attempts };

fn attempts<'a>(suspect: &'a Suspect<'a>) -> Vec<Attempt<'a>> {
    let mut attempts = Vec::new();
    for place in suspect.convolutions() {
        let conv = place.op;
        let steps = 1..=conv.stride[0].max(conv.stride[1]).saturating_add(2).min(8);
        let strides = steps.clone().flat_map(|down| steps.clone().map(move |across| [down, across]));
        for stride in strides.filter(|stride| *stride != conv.stride) {
            let piece = suspect.piece.with_op(place.index, Conv2d { stride, ..conv.clone() });
            let sentence = format!("{}'s strides look like {stride:?}, not {:?}", place.name, conv.stride);
            attempts.extend(piece.map(|piece| Attempt::piece(sentence, piece)));
        }
    }
    attempts
}

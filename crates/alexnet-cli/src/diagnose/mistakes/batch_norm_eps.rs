use super::super::fit::shown;
use super::{Attempt, Mistake, Suspect};
use alexnet_spec::layers::BatchNorm2d;

pub(super) const MISTAKE: Mistake = Mistake {
    id: "batch-norm-eps",
    remedy: "epsilon is 1e-5 in PyTorch, Caffe and ONNX and 1e-3 in Keras where nothing is said: give it explicitly",
    attempts,
};

fn attempts<'a>(suspect: &'a Suspect<'a>) -> Vec<Attempt<'a>> {
    let mut attempts = Vec::new();
    for place in suspect.batch_norms() {
        let own = place.op.eps;
        let known = [1e-3, 1e-5, 1e-4, 1e-6, 1e-2, 1e-1, 1e-7, 1e-8, 1e-12, 2e-5, own * 2.0, own / 2.0];
        for eps in known.into_iter().filter(|eps| *eps != own) {
            let piece = suspect.piece.with_op(place.index, BatchNorm2d { eps });
            let sentence = format!("{}'s epsilon looks like {}, not {}", place.name, shown(eps), shown(own));
            attempts.extend(piece.map(|piece| Attempt::piece(sentence, piece)));
        }
    }
    attempts
}

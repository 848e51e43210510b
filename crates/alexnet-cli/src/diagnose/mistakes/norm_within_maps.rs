use super::{Attempt, Mistake, Suspect};
use alexnet_spec::layers::SpatialResponseNorm;

pub(super) const MISTAKE: Mistake = Mistake {
    id: "norm-within-maps",
    remedy: "the norm's window goes across channels, not across pixels: Caffe's norm_region is ACROSS_CHANNELS, cuda-convnet's layer type cmrnorm",
    attempts,
};

fn attempts<'a>(suspect: &'a Suspect<'a>) -> Vec<Attempt<'a>> {
    let norms = suspect.norms().into_iter();
    norms
        .filter_map(|place| {
            let norm = place.op;
            let (size, alpha, beta, k) = (norm.size, norm.alpha, norm.beta, norm.k);
            let piece = suspect.piece.with_op(place.index, SpatialResponseNorm { size, alpha, beta, k })?;
            let sentence = format!("{}'s window looks laid over pixels, not over channels", place.name);
            Some(Attempt::piece(sentence, piece))
        })
        .collect()
}

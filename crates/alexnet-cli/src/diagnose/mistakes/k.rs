use super::super::fit::shown;
use super::response::Response;
use super::{Attempt, Mistake, Suspect};
use alexnet_spec::layers::LocalResponseNorm;

pub(super) const MISTAKE: Mistake = Mistake {
    id: "k",
    remedy: "LRN's k (`bias` in ONNX and TensorFlow) is 2 in the paper and 1 in Caffe, PyTorch and ONNX where nothing is said: give it explicitly",
    attempts,
};

fn attempts<'a>(suspect: &'a Suspect<'a>) -> Vec<Attempt<'a>> {
    let mut attempts: Vec<_> = [1.0, 2.0].iter().flat_map(|k| with(suspect, *k)).collect();
    let fitted = Response::of(suspect).map(|response| {
        let above = response.bases(response.norm.beta).into_iter().zip(&response.sums);
        let own: Vec<f64> = above.map(|(base, sum)| base - response.norm.effective_alpha() * sum).collect();
        own.iter().sum::<f64>() / own.len() as f64
    });
    attempts.extend(fitted.into_iter().flat_map(|k| with(suspect, k)).map(|attempt| attempt.fitted(1)));
    attempts
}

fn with<'a>(suspect: &'a Suspect<'a>, k: f64) -> Vec<Attempt<'a>> {
    let norms = suspect.norms().into_iter();
    norms
        .filter_map(|place| {
            let piece = suspect.piece.with_op(place.index, LocalResponseNorm { k, ..place.op.clone() })?;
            Some(Attempt::piece(format!("k looks like {}, not {}", shown(k), shown(place.op.k)), piece))
        })
        .collect()
}

//! Zeros on another side: TensorFlow's SAME puts the odd one at the bottom and right, cuda-convnet rounds up.

use super::{Attempt, Mistake, Suspect};
use alexnet_spec::layers::{Conv2d, Pads};

pub(super) const MISTAKE: Mistake = Mistake {
    id: "pad-side",
    remedy: "write the padding of all four sides out: TensorFlow's SAME (auto_pad SAME_UPPER) puts the odd pixel at the bottom and right, Caffe and PyTorch pad both sides alike",
    attempts,
};

fn attempts<'a>(suspect: &'a Suspect<'a>) -> Vec<Attempt<'a>> {
    let mut attempts = Vec::new();
    for place in suspect.convolutions() {
        let conv = place.op;
        for pads in candidates(conv.kernel, conv.pads) {
            let piece = suspect.piece.with_op(place.index, Conv2d { pads, ..conv.clone() });
            let sentence = format!("{}'s pads look like {pads:?} (top, left, bottom, right), not {:?}", place.name, conv.pads);
            attempts.extend(piece.map(|piece| Attempt::piece(sentence, piece)));
        }
    }
    attempts
}

/// Paddings of a window: the same in both directions, or other in one of them.
pub(super) fn candidates(kernel: [usize; 2], own: Pads) -> Vec<Pads> {
    let [top, left, bottom, right] = own;
    let splits = |kernel: usize| {
        let most = kernel.min(12);
        (0..most).flat_map(move |before| (0..most).map(move |after| (before, after)))
    };
    let both = splits(kernel[0].min(kernel[1])).map(|(a, b)| [a, a, b, b]);
    let vertical = splits(kernel[0]).map(|(a, b)| [a, left, b, right]);
    let horizontal = splits(kernel[1]).map(|(a, b)| [top, a, bottom, b]);
    let mut all: Vec<Pads> = [[bottom, right, top, left]].into_iter().chain(both).chain(vertical).chain(horizontal).collect();
    // Several may give the same. All sides alike, or as many zeros in other places, is likelier than one odd side.
    let odd = |[t, l, b, r]: [usize; 4]| {
        let alike = t == l && l == b && b == r;
        !alike && (t + b, l + r) != (top + bottom, left + right)
    };
    all.sort_by_key(|pads| (odd(*pads), pads.iter().zip(own).map(|(a, b)| a.abs_diff(b)).sum::<usize>()));
    all.dedup();
    all.retain(|pads| *pads != own);
    all
}

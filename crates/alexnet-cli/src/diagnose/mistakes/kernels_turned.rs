//! A true convolution turns its kernels by 180 degrees; what networks compute, and ONNX's Conv, is a correlation.

use super::{Attempt, Mistake, Suspect};
use alexnet_spec::Tensor;

pub(super) const MISTAKE: Mistake = Mistake {
    id: "kernels-turned",
    remedy: "look at the order of the kernels' rows and columns: Theano turns them by 180 degrees, MATLAB and cuda-convnet keep columns before rows",
    attempts,
};

type Turn = (&'static str, fn(&Tensor) -> Option<Tensor>);

const TURNS: [Turn; 6] = [
    ("turned by 180 degrees", |t| t.flip(2).ok()?.flip(3).ok()),
    ("mirrored left to right", |t| t.flip(3).ok()),
    ("mirrored top to bottom", |t| t.flip(2).ok()),
    ("transposed: rows for columns", |t| t.permute(&[0, 1, 3, 2]).ok()),
    ("turned by 90 degrees", |t| t.permute(&[0, 1, 3, 2]).ok()?.flip(2).ok()),
    ("turned by 90 degrees the other way", |t| t.permute(&[0, 1, 3, 2]).ok()?.flip(3).ok()),
];

fn attempts<'a>(suspect: &'a Suspect<'a>) -> Vec<Attempt<'a>> {
    let mut attempts = Vec::new();
    for place in suspect.convolutions() {
        for (what, turn) in TURNS {
            let square = |t: &Tensor| turn(t).filter(|turned| turned.shape() == t.shape());
            let piece = suspect.piece.with_tensor(&format!("{}.weight", place.name), square);
            attempts.extend(piece.map(|piece| Attempt::piece(format!("{}'s kernels look {what}", place.name), piece)));
        }
    }
    attempts
}

use super::{Attempt, Mistake, Suspect};
use alexnet_spec::Tensor;
use alexnet_spec::layers::Conv2d;

pub(super) const MISTAKE: Mistake =
    Mistake { id: "dilation", remedy: "no AlexNet dilates its convolutions: look at `dilations`", attempts };

fn attempts<'a>(suspect: &'a Suspect<'a>) -> Vec<Attempt<'a>> {
    let mut attempts = Vec::new();
    for place in suspect.convolutions() {
        for dilation in [[2, 2], [2, 1], [1, 2], [3, 3]] {
            let weight = format!("{}.weight", place.name);
            let piece = suspect.piece.with_tensor(&weight, |tensor| dilated(tensor, dilation));
            let kernel = [0, 1].map(|axis| (place.op.kernel[axis] - 1) * dilation[axis] + 1);
            let piece = piece.and_then(|p| p.with_op(place.index, Conv2d { kernel, ..place.op.clone() }));
            let sentence = format!("{}'s kernels look dilated by {dilation:?}", place.name);
            attempts.extend(piece.map(|piece| Attempt::piece(sentence, piece)));
        }
    }
    attempts
}

/// The kernels with zeros between their pixels.
fn dilated(weight: &Tensor, [down, across]: [usize; 2]) -> Option<Tensor> {
    let [out, own, height, width] = *weight.shape() else { return None };
    let (rows, columns) = ((height - 1) * down + 1, (width - 1) * across + 1);
    let mut wide = vec![0.0; out.checked_mul(own)?.checked_mul(rows)?.checked_mul(columns)?];
    for (index, value) in weight.to_f32().ok()?.into_iter().enumerate() {
        let (kernel, row, column) = (index / (height * width), index / width % height, index % width);
        *wide.get_mut((kernel * rows + row * down) * columns + column * across)? = value;
    }
    Tensor::from_f32(vec![out, own, rows, columns], &wide).ok()
}

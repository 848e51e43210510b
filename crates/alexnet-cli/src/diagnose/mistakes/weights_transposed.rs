use super::{Attempt, Mistake, Suspect};
use alexnet_spec::Tensor;

pub(super) const MISTAKE: Mistake = Mistake {
    id: "weights-transposed",
    remedy: "check the order of the weights' axes: [out, in] and OIHW here and in ONNX (Gemm with transB = 1), [in, out] and HWIO in TensorFlow and Keras",
    attempts,
};

fn attempts<'a>(suspect: &'a Suspect<'a>) -> Vec<Attempt<'a>> {
    let convolutions = suspect.convolutions().into_iter().map(|place| place.name);
    let linears = suspect.linears();
    let mut attempts = Vec::new();
    for name in convolutions.chain(linears.iter().map(|place| place.name)) {
        let weight = format!("{name}.weight");
        let swapped = |t: &Tensor| {
            let turned = if t.shape().len() == 4 { t.permute(&[1, 0, 2, 3]) } else { t.permute(&[1, 0]) };
            turned.ok().filter(|turned| turned.shape() == t.shape())
        };
        let sentence = format!("{weight} looks transposed: outputs for inputs");
        attempts.extend(suspect.piece.with_tensor(&weight, swapped).map(|piece| Attempt::piece(sentence, piece)));
        for (axes, order) in ORDERS {
            let reshaped = |t: &Tensor| {
                let other = (t.shape().len() == axes.len()).then(|| t.permute(axes).ok())??;
                Tensor::new(t.dtype(), t.shape().to_vec(), other.to_bytes()).ok()
            };
            let sentence = format!("{weight} looks reshaped from {order}, where its axes had to be moved");
            attempts.extend(suspect.piece.with_tensor(&weight, reshaped).map(|piece| Attempt::piece(sentence, piece)));
        }
    }
    attempts
}

/// Orders that weights are kept in elsewhere.
const ORDERS: [(&[usize], &str); 4] = [
    (&[1, 0], "[in, out]"),
    (&[2, 3, 1, 0], "HWIO"),
    (&[0, 2, 3, 1], "OHWI"),
    (&[1, 2, 3, 0], "IHWO"),
];

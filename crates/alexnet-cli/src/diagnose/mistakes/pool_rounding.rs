use super::{Attempt, Mistake, Suspect};
use alexnet_spec::layers::{MaxPool2d, Rounding};

pub(super) const MISTAKE: Mistake = Mistake {
    id: "pool-rounding",
    remedy: "Caffe, Torch7 and cuda-convnet round a pool's size up, PyTorch and ONNX down where nothing is said: set `ceil_mode`",
    attempts,
};

fn attempts<'a>(suspect: &'a Suspect<'a>) -> Vec<Attempt<'a>> {
    let pools = suspect.pools().into_iter();
    pools
        .filter_map(|place| {
            let (rounding, what) = match place.op.rounding {
                Rounding::Floor => (Rounding::Ceil, "up, not down"),
                Rounding::Ceil => (Rounding::Floor, "down, not up"),
            };
            let piece = suspect.piece.with_op(place.index, MaxPool2d { rounding, ..place.op.clone() })?;
            Some(Attempt::piece(format!("{}'s size looks rounded {what}", place.name), piece))
        })
        .collect()
}

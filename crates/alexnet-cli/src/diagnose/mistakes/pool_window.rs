use super::{Attempt, Mistake, Suspect};
use alexnet_spec::layers::{MaxPool2d, Rounding};

pub(super) const MISTAKE: Mistake = Mistake {
    id: "pool-window",
    remedy: "compare the pool's window and strides with the reference's: AlexNet's pools overlap, 3x3 every 2 pixels",
    attempts,
};

fn attempts<'a>(suspect: &'a Suspect<'a>) -> Vec<Attempt<'a>> {
    let mut attempts = Vec::new();
    for place in suspect.pools() {
        let pool = place.op;
        let kernels = [[2, 2], [3, 3], [4, 4], [2, 3], [3, 2], [4, 3], [3, 4], [5, 5]];
        let strides = [[2, 2], [1, 1], [3, 3], [2, 1], [1, 2], [2, 3], [3, 2]];
        for kernel in kernels {
            for stride in std::iter::once(pool.stride).chain(strides.into_iter().filter(|s| *s != pool.stride)) {
                if (kernel, stride) == (pool.kernel, pool.stride) {
                    continue;
                }
                for rounding in [pool.rounding, Rounding::Floor, Rounding::Ceil] {
                    let changed = MaxPool2d { kernel, stride, rounding, ..pool.clone() };
                    let piece = suspect.piece.with_op(place.index, changed);
                    attempts.extend(piece.map(|piece| Attempt::piece(sentence(place.name, pool, kernel, stride), piece)));
                }
            }
        }
    }
    attempts
}

fn sentence(name: &str, pool: &MaxPool2d, kernel: [usize; 2], stride: [usize; 2]) -> String {
    let mut what = Vec::new();
    if kernel != pool.kernel {
        what.push(format!("window looks like {kernel:?}, not {:?}", pool.kernel));
    }
    if stride != pool.stride {
        what.push(format!("strides look like {stride:?}, not {:?}", pool.stride));
    }
    format!("{name}'s {}", what.join(" and its "))
}

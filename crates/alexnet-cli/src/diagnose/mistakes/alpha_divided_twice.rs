use super::{Attempt, Mistake, Suspect, alpha};

pub(super) const MISTAKE: Mistake = Mistake {
    id: "alpha-divided-twice",
    remedy: "alpha was divided by the window's size for an operator that divides it again: give ONNX's LRN, Caffe and PyTorch the undivided value",
    attempts,
};

fn attempts<'a>(suspect: &'a Suspect<'a>) -> Vec<Attempt<'a>> {
    alpha::times(suspect, |norm| 1.0 / norm.size as f64, "alpha looks divided twice")
}

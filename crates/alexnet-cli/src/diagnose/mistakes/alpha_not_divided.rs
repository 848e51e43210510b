//! The paper, TensorFlow, MatConvNet and Chainer multiply the plain sum of squares by alpha; Caffe, PyTorch and ONNX their
//! mean.

use super::{Attempt, Mistake, Suspect, alpha};

pub(super) const MISTAKE: Mistake = Mistake {
    id: "alpha-not-divided",
    remedy: "LRN's alpha is divided by the window's size in ONNX, Caffe and PyTorch and not in the paper, TensorFlow, MatConvNet and Chainer: check which of them the constant was written for",
    attempts,
};

fn attempts<'a>(suspect: &'a Suspect<'a>) -> Vec<Attempt<'a>> {
    alpha::times(suspect, |norm| norm.size as f64, "alpha looks undivided")
}

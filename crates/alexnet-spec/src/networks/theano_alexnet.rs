use crate::layers::LocalResponseNorm;
use crate::{Network, Op, Preprocessing};

/// `uoguelph-mlrg/theano_alexnet`, whose weights heuritech's Keras network has too: CaffeNet's order of pool and norm with
/// the paper's constants (k = 2, alpha not divided, as pylearn2's norm has it), trained on RGB.
pub(super) fn network() -> Network {
    let mut network = super::caffenet::network();
    for layer in &mut network.layers {
        if matches!(layer.op, Op::LocalResponseNorm(_)) {
            layer.op = LocalResponseNorm::undivided(5, 1e-4, 0.75, 2.0).into();
        }
    }
    network.name = "theano-alexnet".into();
    network.description =
        "theano_alexnet and heuritech's Keras port: conv-ReLU-pool-norm, k=2 with undivided alpha".into();
    network.preprocessing = Preprocessing { resize: network.preprocessing.resize, ..Preprocessing::krizhevsky() };
    network
}

use crate::layers::Conv2d;
use crate::{Input, Labels, Network, Op, Preprocessing};

/// DeCAF's network (Donahue et al., 2013; `imagenet.decafnet.epoch90`): CaffeNet, which is its port to Caffe, on 224 pixels
/// with cuda-convnet's rounded-up conv1, on RGB images upside down (`_JEFFNET_FLIP` in its `scripts/imagenet.py`).
///
/// DeCAF's own program takes 227 pixels, to the same 55x55 positions; the GPU that trained it took 224. Its classes are in
/// the order of its `.meta` file.
pub(super) fn network() -> Network {
    let mut network = super::caffenet::network();
    for layer in network.layers.iter_mut().filter(|layer| layer.name == "conv1") {
        if let Op::Conv2d(conv) = &mut layer.op {
            *conv = Conv2d { pads: [0, 0, 3, 3], ..conv.clone() };
        }
    }
    Network {
        name: "decaf".into(),
        description: "DeCAF: CaffeNet's layers on RGB images upside down, conv1 rounded up from 224".into(),
        input: Input { channels: 3, height: 224, width: 224 },
        preprocessing: Preprocessing { flip_vertical: true, ..Preprocessing::krizhevsky() },
        labels: Labels::Unknown,
        ..network
    }
}

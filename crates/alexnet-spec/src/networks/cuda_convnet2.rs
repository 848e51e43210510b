use super::{classifier, conv, relu};
use crate::layers::{Conv2d, LocalResponseNorm, MaxPool2d};
use crate::{Input, Labels, Layer, Network, Preprocessing};

/// cuda-convnet2's `layers-imagenet-1gpu.cfg` with `layer-params-imagenet-1gpu.cfg`: the widths of "One weird trick for
/// parallelizing convolutional neural networks" (Krizhevsky, 2014), which torchvision took over, with the norms of 2012.
///
/// As in 2012 norm1 sees conv1's linear output, conv1's sizes are rounded up, and the ReLUs of conv1 and conv5 sit on their
/// pools. Classes are numbered by the development kit, as its `make-data.py` does.
pub(super) fn network() -> Network {
    let norm = || LocalResponseNorm { size: 5, alpha: 1e-4, beta: 0.75, k: 2.0, groups: 1 };
    let pool = || MaxPool2d::overlapping().rounded_up();
    let mut layers = vec![
        Layer::new("conv1", Conv2d { out: 64, kernel: [11, 11], stride: [4, 4], pads: [0, 0, 3, 3], groups: 1 }),
        Layer::new("norm1", norm()),
        Layer::new("pool1", pool()),
        relu("relu1"),
        conv("conv2", 192, 5, 1, 2, 1),
        relu("relu2"),
        Layer::new("norm2", norm()),
        Layer::new("pool2", pool()),
        conv("conv3", 384, 3, 1, 1, 1),
        relu("relu3"),
        conv("conv4", 256, 3, 1, 1, 1),
        relu("relu4"),
        conv("conv5", 256, 3, 1, 1, 1),
        Layer::new("pool5", pool()),
        relu("relu5"),
    ];
    layers.extend(classifier());
    Network {
        name: "cuda-convnet2".into(),
        description: "cuda-convnet2's network for one GPU: torchvision's widths, norm k=2 before ReLU".into(),
        input: Input { channels: 3, height: 224, width: 224 },
        preprocessing: Preprocessing::krizhevsky(),
        labels: Labels::Devkit,
        layers,
    }
}

use super::{classifier, conv, relu};
use crate::layers::{Conv2d, LocalResponseNorm, MaxPool2d, SpatialResponseNorm};
use crate::{Input, Labels, Layer, Network, Preprocessing};

/// What the released 2012 program computes (`layers-145.cfg` and `layer-params-145.cfg` of the AlexNet source code).
///
/// It differs from the paper's text: norm1 sees conv1's *linear* output and the ReLU sits on the pool; alpha is divided by
/// the window's size; a second, spatial norm (`cnorm2`) follows norm2; conv5's ReLU, too, comes after its pool.
pub(super) fn network() -> Network {
    let norm = || LocalResponseNorm { size: 5, alpha: 1e-4, beta: 0.75, k: 2.0, groups: 2 };
    let pool = || MaxPool2d::overlapping().rounded_up();
    let mut layers = vec![
        Layer::new("conv1", Conv2d { out: 96, kernel: [11, 11], stride: [4, 4], pads: [0, 0, 3, 3], groups: 1 }),
        Layer::new("norm1", norm()),
        Layer::new("pool1", pool()),
        relu("relu1"),
        conv("conv2", 256, 5, 1, 2, 2),
        relu("relu2"),
        Layer::new("norm2", norm()),
        Layer::new("cnorm2", SpatialResponseNorm { size: 5, alpha: 1e-3, beta: 0.75, k: 1.0 }),
        Layer::new("pool2", pool()),
        conv("conv3", 384, 3, 1, 1, 1),
        relu("relu3"),
        conv("conv4", 384, 3, 1, 1, 2),
        relu("relu4"),
        conv("conv5", 256, 3, 1, 1, 2),
        Layer::new("pool5", pool()),
        relu("relu5"),
    ];
    layers.extend(classifier());
    Network {
        name: "krizhevsky-2012".into(),
        description: "The released 2012 program's layers-145.cfg: norm before ReLU, a spatial norm after norm2".into(),
        input: Input { channels: 3, height: 224, width: 224 },
        preprocessing: Preprocessing::krizhevsky(),
        labels: Labels::Wnid,
        layers,
    }
}

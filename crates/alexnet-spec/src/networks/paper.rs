use super::{classifier, conv, relu};
use crate::layers::{Conv2d, LocalResponseNorm, MaxPool2d};
use crate::{Input, Labels, Layer, Network, Preprocessing};

/// The text of "ImageNet Classification with Deep Convolutional Neural Networks" (Krizhevsky, Sutskever, Hinton, 2012),
/// sections 3.2 to 3.5 and figure 2.
///
/// Two towers that meet at conv3 and from fc6 on are two groups; section 3.3's norm runs within each tower, with alpha
/// not divided. The paper's 224 pixels don't give figure 2's 55x55 unless sizes are rounded up, as the authors' program
/// does: 3 rows and columns of zeros at the bottom and right.
pub(super) fn network() -> Network {
    let norm = || LocalResponseNorm::undivided(5, 1e-4, 0.75, 2.0).grouped(2);
    let pool = MaxPool2d::overlapping;
    let mut layers = vec![
        Layer::new("conv1", Conv2d { out: 96, kernel: [11, 11], stride: [4, 4], pads: [0, 0, 3, 3], groups: 1 }),
        relu("relu1"),
        Layer::new("norm1", norm()),
        Layer::new("pool1", pool()),
        conv("conv2", 256, 5, 1, 2, 2),
        relu("relu2"),
        Layer::new("norm2", norm()),
        Layer::new("pool2", pool()),
        conv("conv3", 384, 3, 1, 1, 1),
        relu("relu3"),
        conv("conv4", 384, 3, 1, 1, 2),
        relu("relu4"),
        conv("conv5", 256, 3, 1, 1, 2),
        relu("relu5"),
        Layer::new("pool5", pool()),
    ];
    layers.extend(classifier());
    Network {
        name: "paper".into(),
        description: "The 2012 paper's text: two towers, norm k=2 with undivided alpha within each tower".into(),
        input: Input { channels: 3, height: 224, width: 224 },
        preprocessing: Preprocessing::krizhevsky(),
        labels: Labels::Wnid,
        layers,
    }
}

use super::{classifier, conv, relu};
use crate::layers::MaxPool2d;
use crate::{Input, Labels, Layer, Network, Preprocessing};

/// TF-slim's `alexnet_v2`: "One weird trick"'s column with 384 outputs of conv4, conv1 and all pools `VALID`, so that 224
/// pixels become 54, 26, 12 and 5; its fc6 is a 5x5 convolution.
pub(super) fn network() -> Network {
    let pool = MaxPool2d::overlapping;
    let mut layers = vec![
        conv("conv1", 64, 11, 4, 0, 1),
        relu("relu1"),
        Layer::new("pool1", pool()),
        conv("conv2", 192, 5, 1, 2, 1),
        relu("relu2"),
        Layer::new("pool2", pool()),
        conv("conv3", 384, 3, 1, 1, 1),
        relu("relu3"),
        conv("conv4", 384, 3, 1, 1, 1),
        relu("relu4"),
        conv("conv5", 256, 3, 1, 1, 1),
        relu("relu5"),
        Layer::new("pool5", pool()),
    ];
    layers.extend(classifier());
    Network {
        name: "slim".into(),
        description: "TF-slim's alexnet_v2: 64-192-384-384-256, no padding of conv1 and pools, fc6 of 5x5".into(),
        input: Input { channels: 3, height: 224, width: 224 },
        preprocessing: Preprocessing::krizhevsky(),
        labels: Labels::Wnid,
        layers,
    }
}

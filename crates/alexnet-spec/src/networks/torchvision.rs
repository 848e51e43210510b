use super::{conv, relu};
use crate::layers::{AdaptiveAvgPool2d, Dropout, Flatten, Linear, MaxPool2d};
use crate::{Input, Labels, Layer, Network, Preprocessing};

/// torchvision's `alexnet`: the single column of "One weird trick for parallelizing convolutional neural networks"
/// (Krizhevsky, 2014), without response normalisation, its first convolution padded by 2.
pub(super) fn network() -> Network {
    let pool = MaxPool2d::overlapping;
    Network {
        name: "torchvision".into(),
        description: "torchvision.models.alexnet: 64-192-384-256-256, one column, no response normalisation".into(),
        input: Input { channels: 3, height: 224, width: 224 },
        preprocessing: Preprocessing::torchvision(),
        labels: Labels::Wnid,
        layers: vec![
            conv("conv1", 64, 11, 4, 2, 1),
            relu("relu1"),
            Layer::new("pool1", pool()),
            conv("conv2", 192, 5, 1, 2, 1),
            relu("relu2"),
            Layer::new("pool2", pool()),
            conv("conv3", 384, 3, 1, 1, 1),
            relu("relu3"),
            conv("conv4", 256, 3, 1, 1, 1),
            relu("relu4"),
            conv("conv5", 256, 3, 1, 1, 1),
            relu("relu5"),
            Layer::new("pool5", pool()),
            Layer::new("avgpool", AdaptiveAvgPool2d { output: [6, 6] }),
            Layer::new("flatten", Flatten {}),
            Layer::new("drop5", Dropout { p: 0.5 }),
            Layer::new("fc6", Linear { out: 4096 }),
            relu("relu6"),
            Layer::new("drop6", Dropout { p: 0.5 }),
            Layer::new("fc7", Linear { out: 4096 }),
            relu("relu7"),
            Layer::new("fc8", Linear { out: 1000 }),
        ],
    }
}

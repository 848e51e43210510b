//! The networks of other frameworks' examples and repositories, against what their sources say.

use super::super::{ALL, get};
use crate::{ChannelOrder, Labels, Op, PixelRange};

pub(super) struct Row {
    pub name: &'static str,
    /// Sides of the maps after conv1, pool1, pool2 and pool5.
    sides: [usize; 4],
    parameters: u64,
    /// Alpha on the plain sum of squares, and k.
    norm: Option<(f64, f64)>,
    order: &'static str,
    side: usize,
    range: PixelRange,
    labels: Labels,
}

const CLASSIFIER: &str = "conv3 relu3 conv4 relu4 conv5 relu5 pool5 flatten fc6 relu6 drop6 fc7 relu7 drop7 fc8";

/// formats.md's totals: 61.0, 62.4, 50.3 and 61.1 million; with batch norm four values for each of 1376 channels, and the
/// grey and sobel filters' 4 and 20.
pub(super) const TABLE: [Row; 9] = [
    Row {
        name: "theano-alexnet",
        sides: [55, 27, 13, 6],
        parameters: 60_965_224,
        norm: Some((1e-4, 2.0)),
        order: "conv1 relu1 pool1 norm1 conv2 relu2 pool2 norm2",
        side: 227,
        range: PixelRange::Byte,
        labels: Labels::Wnid,
    },
    Row {
        name: "chainer",
        sides: [55, 27, 13, 6],
        parameters: 62_378_344,
        norm: Some((1e-4, 2.0)),
        order: "conv1 relu1 norm1 pool1 conv2 relu2 norm2 pool2",
        side: 227,
        range: PixelRange::Byte,
        labels: Labels::Wnid,
    },
    Row {
        name: "darknet",
        sides: [55, 27, 13, 6],
        parameters: 62_378_344,
        norm: None,
        order: "conv1 relu1 pool1 conv2 relu2 pool2",
        side: 227,
        range: PixelRange::Unit,
        labels: Labels::Devkit,
    },
    Row {
        name: "slim",
        sides: [54, 26, 12, 5],
        parameters: 50_303_912,
        norm: None,
        order: "conv1 relu1 pool1 conv2 relu2 pool2",
        side: 224,
        range: PixelRange::Byte,
        labels: Labels::Wnid,
    },
    Row {
        name: "pytorchcv-alexnet",
        sides: [54, 27, 13, 6],
        parameters: 62_378_344,
        norm: Some((2e-5, 2.0)),
        order: "conv1 relu1 norm1 pool1 conv2 relu2 norm2 pool2",
        side: 224,
        range: PixelRange::Unit,
        labels: Labels::Wnid,
    },
    Row {
        name: "pytorchcv-alexnetb",
        sides: [55, 27, 13, 6],
        parameters: 61_100_840,
        norm: None,
        order: "conv1 relu1 pool1 conv2 relu2 pool2",
        side: 224,
        range: PixelRange::Unit,
        labels: Labels::Wnid,
    },
    Row {
        name: "deepcluster",
        sides: [55, 27, 13, 6],
        // conv1 has two input channels instead of three.
        parameters: 62_378_344 - 96 * 121 + 4 * (96 + 256 + 384 + 384 + 256) + 4 + 20,
        norm: None,
        order: "gray sobel conv1 norm1 relu1 pool1 conv2 norm2 relu2 pool2",
        side: 224,
        range: PixelRange::Unit,
        labels: Labels::Wnid,
    },
    Row {
        name: "cuda-convnet2",
        sides: [55, 27, 13, 6],
        parameters: 61_100_840,
        norm: Some((2e-5, 2.0)),
        order: "conv1 norm1 pool1 relu1 conv2 relu2 norm2 pool2 conv3 relu3 conv4 relu4 conv5 pool5 relu5",
        side: 224,
        range: PixelRange::Byte,
        labels: Labels::Devkit,
    },
    Row {
        name: "decaf",
        sides: [55, 27, 13, 6],
        parameters: 60_965_224,
        norm: Some((2e-5, 1.0)),
        order: "conv1 relu1 pool1 norm1 conv2 relu2 pool2 norm2",
        side: 224,
        range: PixelRange::Byte,
        labels: Labels::Unknown,
    },
];

#[test]
fn relatives_are_what_their_sources_say() {
    for Row { name, sides, parameters, norm, order, side, range, labels } in &TABLE {
        let network = get(name).unwrap();
        let steps = network.trace().unwrap();
        let seen = ["conv1", "pool1", "pool2", "pool5"]
            .map(|layer| steps.iter().find(|step| step.layer.name == layer).unwrap().output.dims()[1]);
        assert_eq!(seen, *sides, "{name}");
        assert_eq!(network.parameter_count().unwrap(), *parameters, "{name}");
        let norms: Vec<_> = network.local_response_norms().collect();
        assert_eq!(norms.len(), if norm.is_some() { 2 } else { 0 }, "{name}");
        for (layer, seen) in norms {
            let (alpha, k) = norm.unwrap();
            assert!((seen.effective_alpha() - alpha).abs() < 1e-12, "{layer} of {name}");
            assert_eq!((seen.size, seen.beta, seen.k, seen.groups), (5, 0.75, k, 1), "{layer} of {name}");
        }
        let layers: Vec<&str> = network.layers.iter().map(|layer| layer.name.as_str()).collect();
        assert!(layers.join(" ").starts_with(order), "{name}: {layers:?}");
        assert_eq!((network.input.height, network.input.width), (*side, *side), "{name}");
        assert_eq!(network.preprocessing.range, *range, "{name}");
        assert_eq!(network.preprocessing.channel_order, ChannelOrder::Rgb, "{name}");
        assert_eq!(network.labels, *labels, "{name}");
    }
}

#[test]
fn most_relatives_end_as_the_2012_network_does() {
    for name in ["theano-alexnet", "chainer", "darknet", "slim", "pytorchcv-alexnet", "decaf"] {
        let layers: Vec<String> = get(name).unwrap().layers.into_iter().map(|layer| layer.name).collect();
        assert!(layers.join(" ").ends_with(CLASSIFIER), "{name}: {layers:?}");
    }
}

#[test]
fn two_towers_are_in_the_networks_after_caffenet_alone() {
    for row in &TABLE {
        let groups: Vec<usize> = get(row.name)
            .unwrap()
            .layers
            .iter()
            .filter_map(|layer| match &layer.op {
                Op::Conv2d(conv) if layer.name.starts_with("conv") => Some(conv.groups),
                _ => None,
            })
            .collect();
        let expected = if ["theano-alexnet", "decaf"].contains(&row.name) { [1, 2, 1, 2, 2] } else { [1; 5] };
        assert_eq!(groups, expected, "{}", row.name);
    }
    assert!(TABLE.iter().all(|row| ALL.iter().any(|entry| entry.name == row.name)));
}

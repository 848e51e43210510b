use crate::array::Array;
use alexnet::AlexNet;
use alexnet_spec::layers::Flatten;
use alexnet_spec::{ChannelOrder, Op};
use alexnet_spec::{
    Crop, Input, Interpolation, Labels, Layer, Mean, Network, PixelRange, Preprocessing, Resize, Shape, Tensor, Weights,
};
use anyhow::{Context, Result};
use candle_core::{DType, Device};
use std::collections::BTreeMap;

/// Some layers of a network, with their weights, that run alone.
#[derive(Clone)]
pub(super) struct Piece {
    /// The shape of its input.
    pub input: Shape,
    /// First to last.
    pub layers: Vec<Layer>,
    /// The layers' parameters by name.
    pub tensors: BTreeMap<String, Tensor>,
}

impl Piece {
    /// The output's dimensions without the batch; none where the layers don't fit together.
    pub fn output(&self) -> Option<Vec<usize>> {
        match self.layers.is_empty() {
            true => Some(self.input.dims()),
            false => Some(self.network().trace().ok()?.last()?.output.dims()),
        }
    }

    /// The shape of the input of every layer; empty where the layers don't fit together.
    pub fn inputs(&self) -> Vec<Shape> {
        let network = self.network();
        let inputs = network.trace().map(|steps| steps.into_iter().map(|step| step.input).collect::<Vec<_>>());
        let skipped = self.leading().len();
        inputs.map(|inputs| inputs.into_iter().skip(skipped).collect()).unwrap_or_default()
    }

    /// What the layers give for a batch of inputs.
    pub fn run(&self, input: &Array) -> Result<Array> {
        if self.layers.is_empty() {
            return Ok(input.clone());
        }
        let network = self.network();
        let parameters = network.parameters()?;
        let needed = |name: &String| parameters.iter().any(|parameter| parameter.name == *name);
        let tensors = self.tensors.iter().filter(|(name, _)| needed(name)).map(|(n, t)| (n.clone(), t.clone()));
        let weights = Weights::new(&network, tensors.collect())?;
        let model = AlexNet::from_weights(&network, &weights, DType::F32, &Device::Cpu)?;
        let image = &network.input;
        let shape = vec![input.batch(), image.channels, image.height, image.width];
        let input = Array::new(shape, input.data.clone())?.to_candle(&Device::Cpu)?;
        let mut last = None;
        model.forward_with_taps(&input, &mut |_, value| {
            last = Some(value.clone());
            Ok(())
        })?;
        Ok(Array::from_candle(&last.context("a network without layers")?)?)
    }

    /// The same layers with one parameter made into another.
    pub fn with_tensor(&self, name: &str, change: impl Fn(&Tensor) -> Option<Tensor>) -> Option<Piece> {
        let changed = change(self.tensors.get(name)?)?;
        let mut piece = self.clone();
        piece.tensors.insert(name.to_owned(), changed);
        Some(piece)
    }

    /// The same layers with the operation of layer `index` made into another.
    pub fn with_op(&self, index: usize, op: impl Into<Op>) -> Option<Piece> {
        let mut piece = self.clone();
        piece.layers.get_mut(index)?.op = op.into();
        Some(piece)
    }

    /// The layers up to and without the last.
    pub fn before_last(&self) -> Piece {
        let mut piece = self.clone();
        piece.layers.pop();
        piece
    }

    /// A network's input is an image: a vector is one of single pixels that is flattened first.
    fn leading(&self) -> Vec<Layer> {
        match self.input {
            Shape::Map { .. } => Vec::new(),
            Shape::Vector(_) => vec![Layer::new("as-vector", Flatten {})],
        }
    }

    fn network(&self) -> Network {
        let (channels, height, width) = match self.input {
            Shape::Map { channels, height, width } => (channels, height, width),
            Shape::Vector(features) => (features, 1, 1),
        };
        let layers = self.leading().into_iter().chain(self.layers.iter().cloned()).collect();
        Network {
            name: "piece".into(),
            description: String::new(),
            input: Input { channels, height, width },
            preprocessing: Preprocessing {
                channel_order: ChannelOrder::Rgb,
                range: PixelRange::Unit,
                mean: Mean::PerChannel(vec![0.0; channels]),
                std: vec![1.0; channels],
                resize: Resize::Exact { height, width, interpolation: Interpolation::Bilinear },
                crop: Crop::Center,
                flip_vertical: false,
            },
            labels: Labels::Unknown,
            layers,
        }
    }
}

use super::layer::Layer;
use crate::formats::{Seen, Storages};
use crate::pickle::{Heap, Value};
use crate::{Error, Result};
use alexnet_spec::graph::{Node, NodeOp};
use alexnet_spec::{Input, Tensor};
use std::collections::HashSet;

/// What a layer gives, as the layers above it see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Extent {
    /// What a data layer provides: so many numbers, of which a reader says how they are an image.
    Data(usize),
    /// Square maps.
    Maps { channels: usize, size: usize },
    /// Features without places.
    Features(usize),
}

impl Extent {
    /// How many numbers there are for one example.
    pub fn features(self) -> Option<usize> {
        match self {
            Extent::Data(features) | Extent::Features(features) => Some(features),
            Extent::Maps { channels, size } => size.checked_mul(size)?.checked_mul(channels),
        }
    }
}

/// A layer's node and extent.
#[derive(Clone, Debug)]
pub(super) struct Output {
    /// The node that gives it.
    pub node: String,
    pub extent: Extent,
}

/// The graph so far.
pub(super) struct Builder<'a> {
    heap: &'a Heap,
    storages: &'a mut Storages,
    /// What each layer gives, by its position; `None` for those not yet visited.
    outputs: Vec<Option<Output>>,
    names: HashSet<String>,
    pub nodes: Vec<Node>,
    /// The data layer that is the image, and its shape.
    pub image: Option<(String, Input)>,
    /// Every weight and bias, by the name of its layer and its place there.
    pub tensors: Vec<(String, Tensor)>,
    /// How many bytes of weights there may still be: layers can share weights, so that a small file could mean much.
    room: usize,
}

impl<'a> Builder<'a> {
    /// A builder for `layers`, from a file of `file_bytes`.
    pub fn new(heap: &'a Heap, storages: &'a mut Storages, layers: &[Layer<'_>], file_bytes: usize) -> Builder<'a> {
        Builder {
            heap,
            storages,
            outputs: vec![None; layers.len()],
            names: layers.iter().map(|layer| layer.name.clone()).collect(),
            nodes: Vec::new(),
            image: None,
            tensors: Vec::new(),
            room: file_bytes.saturating_mul(2).saturating_add(1 << 20),
        }
    }

    /// Keeps what the layer at `position` gives.
    pub fn finish(&mut self, position: usize, output: Output) {
        if let Some(slot) = self.outputs.get_mut(position) {
            *slot = Some(output);
        }
    }

    /// What input `index` of the layer gives.
    pub fn input(&self, layer: &Layer<'_>, index: usize) -> Result<Output> {
        let output = layer.inputs.get(index).and_then(|position| self.outputs.get(*position)).cloned().flatten();
        output.ok_or_else(|| Error::malformed(format!("has no input {index}")))
    }

    /// The one input that most layers have.
    pub fn only_input(&self, layer: &Layer<'_>) -> Result<Output> {
        match layer.inputs.len() {
            1 => self.input(layer, 0),
            count => {
                Err(Error::malformed(format!("a layer of type `{}` has one input, but this has {count}", layer.kind)))
            }
        }
    }

    /// Input `index` as the maps that the layer takes it for: `channels` of `size` x `size`.
    ///
    /// Errs where it is something else, since a layer that cuts its input anew computes what no network of ours does.
    pub fn maps(&mut self, layer: &Layer<'_>, index: usize, channels: usize, size: usize) -> Result<String> {
        let input = self.input(layer, index)?;
        let wanted = Extent::Maps { channels, size };
        match input.extent {
            Extent::Data(_) if wanted.features() == input.extent.features() => {
                let image = (input.node.clone(), Input { channels, height: size, width: size });
                if self.image.get_or_insert_with(|| image.clone()) != &image {
                    return Err(Error::refused("reads another image than the layers before it"));
                }
                Ok(input.node)
            }
            extent if extent == wanted => Ok(input.node),
            extent => Err(Error::malformed(format!(
                "takes input {index} for {channels} maps of {size}x{size}, but it is {}",
                describe(extent)
            ))),
        }
    }

    /// A node for `layer` under its own name.
    pub fn push(&mut self, layer: &Layer<'_>, inputs: Vec<String>, op: impl Into<NodeOp>, extent: Extent) -> Output {
        self.nodes.push(Node::new(layer.name.clone(), inputs, op));
        Output { node: layer.name.clone(), extent }
    }

    /// A node that the layer does not name, such as the concatenation of its inputs, under a name that no layer has.
    pub fn push_beside(&mut self, layer: &Layer<'_>, what: &str, inputs: Vec<String>, op: impl Into<NodeOp>) -> String {
        let mut name = format!("{}.{what}", layer.name);
        while !self.names.insert(name.clone()) {
            name.push('_');
        }
        self.nodes.push(Node::new(name.clone(), inputs, op));
        name
    }

    /// The weights of each input, or the biases: their names, and the tensors as the file holds them.
    pub fn tensor(&mut self, value: Value, name: String) -> Result<Tensor> {
        let at = |error: Error| error.at(format!("tensor `{name}`"));
        let tensor = match self.storages.see(self.heap, value).map_err(at)? {
            Seen::Tensor(tensor) => tensor,
            Seen::Unreadable(reason) => return Err(at(Error::refused(reason))),
            Seen::Nothing => {
                return Err(at(Error::malformed(format!("should be an array, but is {}", self.heap.describe(value)))));
            }
        };
        let bytes = tensor.elements().saturating_mul(tensor.dtype().size());
        self.room = self.room.checked_sub(bytes).ok_or_else(|| {
            at(Error::malformed("layers share weights so often that they would be many times the file")
                .with_remedy("the file that cuda-convnet wrote"))
        })?;
        self.tensors.push((name, tensor.clone()));
        Ok(tensor)
    }
}

/// An extent in words.
pub(super) fn describe(extent: Extent) -> String {
    match extent {
        Extent::Data(numbers) => format!("data of {numbers} numbers"),
        Extent::Maps { channels, size } => format!("{channels} maps of {size}x{size}"),
        Extent::Features(features) => format!("{features} features"),
    }
}

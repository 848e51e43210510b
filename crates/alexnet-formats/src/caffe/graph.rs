use super::layers;
use super::net::{Layer, Net};
use super::weights::{Weights, source};
use crate::shown::shown;
use crate::{Error, Result};
use alexnet_spec::graph::{Graph, Node, NodeOp, Operand};
use alexnet_spec::{Input, Op, Shape, Tensor, Transform};
use std::collections::{BTreeMap, BTreeSet};

/// What a net computes in Caffe's TEST phase, with the weights of its layers.
///
/// Errs with the layer that isn't converted, whose weights are missing or of another shape, or that reads what nothing makes.
pub(super) fn transcribe(net: &Net, weights: &Weights) -> Result<Graph> {
    let mut builder = Builder::new(net, weights);
    for layer in net.tested() {
        if !layers::is_data(layer) {
            layers::transcribe(&mut builder, layer)
                .map_err(|error| error.at(format!("layer `{}`", shown(layer.name.as_bytes()))))?;
        }
    }
    builder.finish(net)
}

/// The nodes so far.
pub(super) struct Builder<'n> {
    weights: &'n Weights,
    nodes: Vec<Node>,
    names: BTreeSet<String>,
    /// What each of Caffe's blobs is at this point: layers in place make it something else.
    values: BTreeMap<&'n str, Value>,
    /// Inputs that are read.
    read: BTreeSet<String>,
    /// Whose weights those of a shared name are: the first layer's to use it.
    owners: BTreeMap<&'n str, (&'n str, usize)>,
    /// How many layers use a shared name.
    sharers: BTreeMap<&'n str, usize>,
}

/// More than any net has; without a bound, a file of one blob would become one of thousands.
const MOST_SHARERS: usize = 16;

/// What a blob is: a node's output, or an input of the net.
#[derive(Clone, Debug)]
pub(super) struct Value {
    pub node: String,
    is_input: bool,
    pub extent: Extent,
}

/// As much as is known of the shape of one example.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Extent {
    pub channels: Option<usize>,
    /// Height and width.
    pub size: Option<[usize; 2]>,
    /// Whether it is a vector.
    pub flat: bool,
}

impl Extent {
    fn shape(self) -> Option<Shape> {
        match (self.channels?, self.size) {
            (features, _) if self.flat => Some(Shape::Vector(features)),
            (channels, Some([height, width])) => Some(Shape::Map { channels, height, width }),
            _ => None,
        }
    }

    /// How many numbers it has.
    pub fn elements(self) -> Option<usize> {
        self.shape()?.elements()
    }

    fn of(shape: Shape) -> Extent {
        match shape {
            Shape::Vector(features) => Extent { channels: Some(features), size: None, flat: true },
            Shape::Map { channels, height, width } => {
                Extent { channels: Some(channels), size: Some([height, width]), flat: false }
            }
        }
    }

    /// What `op` makes of it.
    fn after(self, op: &Op) -> Result<Extent> {
        if let Some(shape) = self.shape() {
            return op.infer().output(shape).map(Extent::of).map_err(Error::malformed);
        }
        Ok(match op {
            Op::Conv2d(conv) => Extent { channels: Some(conv.out), ..Extent::default() },
            Op::Linear(linear) => Extent { channels: Some(linear.out), size: None, flat: true },
            Op::Flatten(_) => Extent { flat: true, ..Extent::default() },
            Op::MaxPool2d(_) => Extent { size: None, ..self },
            Op::AdaptiveAvgPool2d(pool) => Extent { size: Some(pool.output), ..self },
            _ => self,
        })
    }
}

impl<'n> Builder<'n> {
    fn new(net: &'n Net, weights: &'n Weights) -> Builder<'n> {
        let (mut values, mut owners, mut sharers) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        for (name, extent) in layers::inputs(net) {
            values.insert(name, Value { node: name.to_owned(), is_input: true, extent });
        }
        for layer in net.tested() {
            for (index, name) in layer.shared.iter().enumerate().filter(|(_, name)| !name.is_empty()) {
                owners.entry(name.as_str()).or_insert((layer.name.as_str(), index));
                let count: &mut usize = sharers.entry(name.as_str()).or_default();
                *count = count.saturating_add(1);
            }
        }
        let (nodes, names, read) = (Vec::new(), BTreeSet::new(), BTreeSet::new());
        Builder { weights, nodes, names, values, read, owners, sharers }
    }

    /// What a blob is at this point.
    pub fn value(&self, blob: &str) -> Result<Value> {
        self.values.get(blob).cloned().ok_or_else(|| {
            Error::refused(format!(
                "it reads `{}`, which no layer before it makes at test time",
                shown(blob.as_bytes())
            ))
            .with_remedy("--prototxt FILE with the net that was deployed")
        })
    }

    /// The only blob that a layer reads.
    pub fn only(&self, layer: &Layer) -> Result<Value> {
        match &layer.bottoms[..] {
            [bottom] => self.value(bottom),
            bottoms => Err(Error::refused(format!("it reads {} blobs, not one", bottoms.len()))),
        }
    }

    /// Gives a value another name; nothing is computed.
    pub fn alias(&mut self, top: &'n str, value: Value) {
        self.values.insert(top, value);
    }

    /// Takes a blob away: what it was isn't there any more.
    pub fn forget(&mut self, blob: &str) {
        self.values.remove(blob);
    }

    /// The last node, if it made this value and nothing else has read it.
    pub fn unread(&mut self, value: &Value) -> Option<&mut Node> {
        self.nodes.last_mut().filter(|node| node.name == value.node && !value.is_input)
    }

    /// Appends a layer of ours that reads `input`, and makes it the layer's first top.
    pub fn layer(&mut self, layer: &'n Layer, input: &Value, op: impl Into<Op>, operands: Vec<Operand>) -> Result<()> {
        let Some(top) = layer.tops.first() else { return Err(Error::malformed("it makes nothing")) };
        let value = self.step(layer.name.clone(), input, op, operands)?;
        self.values.insert(top, value);
        Ok(())
    }

    /// Appends a layer of ours under a name.
    pub fn step(&mut self, name: String, input: &Value, op: impl Into<Op>, operands: Vec<Operand>) -> Result<Value> {
        let op = op.into();
        let extent = input.extent.after(&op)?;
        self.node(name, std::slice::from_ref(input), op.into(), operands, extent)
    }

    /// Appends any node.
    pub fn node(
        &mut self,
        name: String,
        inputs: &[Value],
        op: NodeOp,
        operands: Vec<Operand>,
        extent: Extent,
    ) -> Result<Value> {
        if name.is_empty() || !self.names.insert(name.clone()) {
            return Err(Error::malformed("another layer has the same name, or it has none"));
        }
        self.read.extend(inputs.iter().filter(|input| input.is_input).map(|input| input.node.clone()));
        let inputs = inputs.iter().map(|input| input.node.clone()).collect();
        self.nodes.push(Node { name: name.clone(), inputs, op, operands });
        Ok(Value { node: name, is_input: false, extent })
    }

    /// A layer's blob as an operand of `shape`, which old files write with dimensions of 1 before it.
    pub fn operand(&self, layer: &Layer, index: usize, role: &'static str, shape: &[usize]) -> Result<Operand> {
        let (name, tensor) = self.blob(layer, index)?;
        let significant = |shape: &[usize]| shape.iter().copied().skip_while(|size| *size == 1).collect::<Vec<_>>();
        if significant(tensor.shape()) != significant(shape) {
            return Err(Error::refused(format!(
                "its {role} `{}` is {:?}, but the net makes it {shape:?}",
                shown(name.as_bytes()),
                tensor.shape()
            ))
            .with_remedy("the net and the weights that belong together"));
        }
        Ok(Operand::new(role, name, tensor.reshape(shape)?, Transform::Identity))
    }

    /// A layer's blob, or that of the layer that it shares it with, and its name.
    pub fn blob(&self, layer: &Layer, index: usize) -> Result<(String, Tensor)> {
        let own = (layer.name.as_str(), index);
        let shared = layer.shared.get(index).and_then(|name| self.owners.get(name.as_str()).copied());
        let found = [Some(own), shared]
            .into_iter()
            .flatten()
            .find_map(|(owner, index)| Some((source(owner, index), self.weights.get(owner, index)?)));
        if let Some(name) = layer.shared.get(index)
            && self.sharers.get(name.as_str()).is_some_and(|count| *count > MOST_SHARERS)
        {
            let name = shown(name.as_bytes());
            return Err(Error::refused(format!("more than {MOST_SHARERS} layers share the weights `{name}`")));
        }
        let Some((name, blob)) = found else {
            let there: Vec<&str> = self.weights.names().take(12).collect();
            let there = if there.is_empty() { "none".to_owned() } else { shown(there.join(", ").as_bytes()) };
            let what = if index == 0 { "weights" } else { "bias, or not all of its weights," };
            return Err(Error::refused(format!("it has no {what} in the file; layers that have: {there}"))
                .with_remedy("the net and the weights that belong together"));
        };
        match &blob.tensor {
            Ok(tensor) => Ok((name, tensor.clone())),
            Err(reason) => Err(Error::refused(format!("`{}` can't be read: {reason}", shown(name.as_bytes())))),
        }
    }

    fn finish(self, net: &Net) -> Result<Graph> {
        let read: BTreeSet<&str> = self.nodes.iter().flat_map(|node| node.inputs.iter().map(String::as_str)).collect();
        let ends: Vec<&str> =
            self.nodes.iter().map(|node| node.name.as_str()).filter(|name| !read.contains(name)).collect();
        let deploy = "--prototxt FILE with a net that has one input and one output";
        if ends.len() != 1 {
            let message = match shown(ends.join(", ").as_bytes()) {
                none if none.is_empty() => "the net computes nothing at test time".to_owned(),
                several => format!("the net has several outputs: {several}"),
            };
            return Err(Error::refused(message).with_remedy(deploy));
        }
        let inputs: Vec<&str> = self.read.iter().map(String::as_str).collect();
        let [input_name] = inputs[..] else {
            let message = format!("the net has several inputs: {}", shown(inputs.join(", ").as_bytes()));
            return Err(Error::refused(message).with_remedy(deploy));
        };
        if self.names.contains(input_name) {
            let name = input_name.escape_debug();
            return Err(Error::malformed(format!("both a layer and the input are called `{name}`")));
        }
        let data = layers::data(net, input_name)?;
        let input = match (data.extent.channels, data.extent.size) {
            (Some(channels), Some([height, width])) => Some(Input { channels, height, width }),
            _ => None,
        };
        Ok(Graph {
            dialect: "caffe",
            name: net.name.clone(),
            input_name: input_name.to_owned(),
            input,
            preprocessing: Some(data.preprocessing),
            labels: None,
            nodes: self.nodes,
            notes: data.notes,
        })
    }
}

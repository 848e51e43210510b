//! The state of the walk: what each value is, and the nodes of the description so far.

use super::normalised::{Affine, preprocessing};
use super::ops;
use super::value::{Held, Layout, Map};
use crate::lower::{Lowering, Node, infer};
use crate::proto::{GraphProto, NodeProto};
use crate::validate::{malformed, place, unsupported};
use crate::value::image;
use crate::{Model, Result};
use alexnet_spec::graph::{self, Graph, NodeOp, Operand};
use alexnet_spec::{Input, Op, Tensor, Transform};
use std::collections::{HashMap, HashSet};

pub(crate) struct Reader<'m> {
    model: &'m Model,
    /// Every value's shape, and the constants.
    inferred: Lowering<'m>,
    held: HashMap<String, Held>,
    /// Constants that only this walk folds.
    folded: HashMap<String, Tensor>,
    /// The initializer that a constant was made from.
    origins: HashMap<String, String>,
    nodes: Vec<graph::Node>,
    /// Where a node of the description is, by its name.
    places: HashMap<String, usize>,
    /// The names of nodes of the description that others read.
    used: HashSet<String>,
    /// How many readers a value of the graph has, its outputs among them.
    readers: HashMap<&'m str, usize>,
    input: Input,
    input_name: String,
    /// What every path from the image does to its pixels.
    normalised: Option<Affine>,
    notes: Vec<String>,
    /// Whether features that were rounded to integers are taken for what they were before.
    rounds: bool,
    /// Steps and zero points of values that hold integers.
    rounded: HashMap<String, Steps>,
}

/// The step, or one for each channel, and the zero point of integers.
type Steps = (Vec<f32>, Option<Vec<u8>>);

/// A constant in a node's place.
pub(crate) struct Constant {
    source: String,
    pub(crate) tensor: Tensor,
}

impl Constant {
    /// The constant as a trained tensor.
    pub(crate) fn operand(self, role: &'static str, transform: Transform) -> Operand {
        Operand::new(role, self.source, self.tensor, transform)
    }
}

impl<'m> Reader<'m> {
    pub(super) fn new(model: &'m Model, batch: usize, rounds: bool) -> Result<Reader<'m>> {
        let [input] = model.inputs() else {
            let names: Vec<String> = model.inputs().iter().map(|input| input.name.escape_debug().to_string()).collect();
            let message =
                format!("it has {} inputs ({}); a classifier has one, the image", names.len(), names.join(", "));
            return Err(unsupported("graph", message));
        };
        let inferred = infer(model, batch, &[])?;
        let shape = &inferred.get(&input.name)?.shape;
        let (size, last) = image(shape.get(1..).unwrap_or_default()).ok_or_else(|| {
            unsupported(format!("input `{}`", input.name.escape_debug()), format!("{shape:?} is no batch of images"))
        })?;
        let layout = if last { Layout::ChannelsLast } else { Layout::ChannelsFirst };
        let map = Map::plain(&input.name, layout);
        Ok(Reader {
            model,
            inferred,
            held: HashMap::from([(input.name.clone(), Held::Map(map))]),
            folded: HashMap::new(),
            origins: HashMap::new(),
            nodes: Vec::new(),
            places: HashMap::from([(input.name.clone(), usize::MAX)]),
            used: HashSet::new(),
            readers: readers(model.graph()),
            input: size,
            input_name: input.name.clone(),
            normalised: None,
            notes: Vec::new(),
            rounds,
            rounded: HashMap::new(),
        })
    }

    /// Transcribes nodes one after the other.
    pub(crate) fn walk(&mut self, nodes: &'m [NodeProto]) -> Result<()> {
        for (index, proto) in nodes.iter().enumerate() {
            let node = Node::new(proto, place(index, proto), self.model.opset());
            if node.outputs().next().is_some_and(|output| self.constant(output).is_some()) {
                self.trace(&node);
                continue;
            }
            let Some(handle) = ops::handler(proto.op_type()) else {
                return Err(node.unsupported("this operator is no layer of AlexNet's"));
            };
            handle(self, &node)?;
        }
        Ok(())
    }

    /// Takes down which initializer a constant was made from.
    pub(crate) fn trace(&mut self, node: &Node) {
        let origin = (0..8).filter_map(|index| node.optional(index)).find_map(|name| {
            let known = self.origins.get(name).cloned();
            known.or_else(|| self.model.initializer(name).map(|_| name.to_owned()))
        });
        if let (Some(origin), Some(output)) = (origin, node.outputs().next()) {
            self.origins.insert(output.to_owned(), origin);
        }
    }

    /// The shape of a value, the batch included.
    pub(crate) fn shape(&self, name: &str) -> Result<&[usize]> {
        Ok(&self.inferred.get(name)?.shape)
    }

    pub(crate) fn inferred(&self) -> &Lowering<'m> {
        &self.inferred
    }

    /// The constant called `name`, where it is one.
    pub(crate) fn constant(&self, name: &str) -> Option<Constant> {
        let inferred = || self.inferred.get(name).ok()?.constant.clone();
        let tensor = self.folded.get(name).cloned().or_else(inferred)?;
        let source = self.origins.get(name).cloned().unwrap_or_else(|| name.to_owned());
        Some(Constant { source, tensor })
    }

    /// The constant in a node's place. Errs where the value depends on the image.
    pub(crate) fn needed(&self, node: &Node, name: &str) -> Result<Constant> {
        self.constant(name).ok_or_else(|| {
            let name = name.escape_debug();
            node.unsupported(format!(
                "input `{name}` is computed from the image, but a layer's parameters are constant"
            ))
        })
    }

    /// The one number that a constant holds; `None` where it is anything else.
    pub(crate) fn scalar(&self, name: &str) -> Result<Option<f32>> {
        match self.constant(name) {
            Some(constant) if constant.tensor.elements() == 1 && constant.tensor.dtype().is_float() => {
                Ok(constant.tensor.to_f32()?.first().copied())
            }
            _ => Ok(None),
        }
    }

    /// Errs where the graph asks for more copies of its constants than it has reason to.
    pub(crate) fn copy(&mut self, bytes: usize) -> Result<()> {
        self.inferred.copy(bytes)
    }

    /// Makes a node's output a constant.
    pub(crate) fn fold(&mut self, node: &Node, tensor: Tensor) -> Result<()> {
        self.trace(node);
        self.folded.insert(node.output()?.to_owned(), tensor);
        Ok(())
    }

    /// Takes down how a node rounds features to integers.
    pub(crate) fn round(&mut self, node: &Node) -> Result<()> {
        if !self.rounds {
            return Err(node.unsupported(ROUNDS));
        }
        let steps = self.steps(node)?;
        self.rounded.insert(node.output()?.to_owned(), steps);
        Ok(())
    }

    /// Errs where a node makes other floats of integers than those that were rounded.
    pub(crate) fn unround(&self, node: &Node) -> Result<()> {
        let (before, after) = (self.rounded.get(node.input(0)?), self.steps(node)?);
        match before {
            Some(before) if *before == after => Ok(()),
            Some((scale, zero)) => Err(node.unsupported(format!(
                "it dequantises with step {:?} and zero point {:?} what was quantised with {scale:?} and {zero:?}: its \
                 values aren't those that were rounded",
                after.0, after.1
            ))),
            None => Err(node.unsupported("it dequantises what no QuantizeLinear gives")),
        }
    }

    fn steps(&self, node: &Node) -> Result<Steps> {
        let zero = node.optional(2).map(|name| self.needed(node, name)).transpose()?;
        let zero = zero.map(|zero| zero.tensor.to_bytes().to_vec()).filter(|zero| zero.iter().any(|byte| *byte != 0));
        Ok((self.needed(node, node.input(1)?)?.tensor.to_f32()?, zero))
    }

    /// What a value is. Errs where it is a constant that no file of the operators takes here.
    pub(crate) fn held(&self, node: &Node, name: &str) -> Result<Held> {
        self.held.get(name).cloned().ok_or_else(|| {
            let name = name.escape_debug();
            node.unsupported(format!("computes with the constant `{name}`: try folding constants first (onnxsim)"))
        })
    }

    /// Features, however the value shows them.
    pub(crate) fn map(&self, node: &Node, name: &str) -> Result<Map> {
        match self.held(node, name)? {
            Held::Map(map) => Ok(map),
            Held::Squares(_) | Held::Rows(_) => {
                let name = name.escape_debug();
                Err(node
                    .unsupported(format!("`{name}` is a part of a response norm or of a pool, and no layer's output")))
            }
        }
    }

    /// Features that are whole, which a layer reads.
    pub(crate) fn whole(&mut self, node: &Node, name: &str) -> Result<Map> {
        let map = self.map(node, name)?;
        self.take(node, map)
    }

    /// As [`Reader::whole`], with axes as ONNX has them.
    pub(crate) fn channels_first(&mut self, node: &Node, name: &str) -> Result<Map> {
        let map = self.map(node, name)?;
        self.take_first(node, map)
    }

    /// Errs where features aren't whole, or where the channels come last: ONNX's own operators have them first.
    pub(crate) fn take_first(&mut self, node: &Node, map: Map) -> Result<Map> {
        match map.layout {
            Layout::ChannelsFirst => self.take(node, map),
            Layout::ChannelsLast => {
                Err(node.unsupported("its input has its channels last, and no Transpose moves them"))
            }
        }
    }

    /// Errs where features aren't whole: where something has yet to take in padding or slices. Pixels that were normalised
    /// go into the network's contract here.
    pub(crate) fn take(&mut self, node: &Node, map: Map) -> Result<Map> {
        if map.padding != [0; 4] {
            let pads = map.padding;
            return Err(
                node.unsupported(format!("its input is padded by {pads:?} zeros, which only a convolution takes"))
            );
        }
        if map.slices != 1 {
            return Err(
                node.unsupported("its input has channels in the batch's place, which only a response norm takes")
            );
        }
        if map.node == self.input_name {
            let affine = map.normalised.clone().unwrap_or_default();
            if self.normalised.get_or_insert_with(|| affine.clone()) != &affine {
                return Err(node.unsupported("reads the image with other means or scales than another node does"));
            }
        }
        Ok(map)
    }

    /// Appends a node of the description, under the graph's name for it, and makes it the value `output`.
    pub(crate) fn emit(
        &mut self,
        node: &Node,
        output: &str,
        inputs: &[Map],
        op: impl Into<NodeOp>,
        operands: Vec<Operand>,
    ) -> Result<()> {
        let op = op.into();
        let flat = matches!(op, NodeOp::FlattenHwc | NodeOp::Layer(Op::Flatten(_)));
        let layout = inputs.first().filter(|_| !flat).map_or(Layout::ChannelsFirst, |map| map.layout);
        let mut name = match node.name() {
            named if !named.is_empty() && !self.places.contains_key(named) => named.to_owned(),
            _ => output.to_owned(),
        };
        let mut number = 1;
        while self.places.contains_key(&name) {
            number += 1;
            name = format!("{output}#{number}");
        }
        self.places.insert(name.clone(), self.nodes.len());
        let inputs: Vec<String> = inputs.iter().map(|map| map.node.clone()).collect();
        self.used.extend(inputs.iter().cloned());
        let mut made = graph::Node::new(name.clone(), inputs, op);
        made.operands = operands;
        self.nodes.push(made);
        self.hold(output, Map::plain(name, layout));
        Ok(())
    }

    /// Makes a value features that are there already.
    pub(crate) fn hold(&mut self, output: &str, map: Map) {
        self.held.insert(output.to_owned(), Held::Map(map));
    }

    /// Puts the slices of a value's channels back into the batch's place.
    pub(crate) fn reslice(&mut self, name: &str, slices: usize) {
        if let Some(Held::Map(map)) = self.held.get_mut(name) {
            map.slices = slices;
        }
    }

    /// Makes a node's output what `held` says.
    pub(crate) fn set(&mut self, node: &Node, held: Held) -> Result<()> {
        self.held.insert(node.output()?.to_owned(), held);
        Ok(())
    }

    /// The node that computes features, where nothing else reads the value `name`: what follows may become a part of it.
    pub(crate) fn only_reader(&mut self, name: &str) -> Option<&mut graph::Node> {
        let Some(Held::Map(map)) = self.held.get(name) else { return None };
        let whole = map.padding == [0; 4] && map.slices == 1;
        let alone = self.readers.get(name) == Some(&1) && !self.used.contains(&map.node);
        let at = self.places.get(&map.node).copied().filter(|_| whole && alone)?;
        self.nodes.get_mut(at)
    }

    /// Whether a value is an output of the graph and nothing else.
    pub(crate) fn is_final(&self, name: &str) -> bool {
        let given = self.model.outputs().iter().any(|output| output.name == name);
        given && self.readers.get(name) == Some(&1)
    }

    /// Whether a value is the image, whatever was done to its pixels.
    pub(crate) fn is_image(&self, map: &Map) -> bool {
        map.node == self.input_name
    }

    /// Whether something reads a value.
    pub(crate) fn is_read(&self, name: &str) -> bool {
        self.readers.contains_key(name)
    }

    /// Adds a line for the report, once.
    pub(crate) fn note(&mut self, note: String) {
        if !self.notes.contains(&note) {
            self.notes.push(note);
        }
    }

    /// The description, with what the output depends on alone.
    pub(super) fn finish(mut self) -> Result<Graph> {
        let output = self.output()?;
        let last = match self.held.get(&output) {
            Some(Held::Map(map)) if map.padding == [0; 4] && map.slices == 1 => map.node.clone(),
            _ => {
                let message = format!("its output `{}` is no layer's output", output.escape_debug());
                return Err(unsupported("graph", message));
            }
        };
        let needed = ancestors(&self.nodes, &last);
        let needed: Vec<bool> = self.nodes.iter().map(|node| needed.contains(node.name.as_str())).collect();
        let mut kept = needed.into_iter();
        self.nodes.retain(|_| kept.next().unwrap_or(false));
        if self.nodes.is_empty() {
            return Err(unsupported("graph", "it computes nothing"));
        }
        let affine = self.normalised.take().filter(|affine| *affine != Affine::default());
        let preprocessing = match affine {
            None => None,
            Some(affine) => {
                let (contract, note) = preprocessing(&affine, &self.input)?;
                self.note(note);
                Some(contract)
            }
        };
        Ok(Graph {
            dialect: "onnx",
            name: own_name(self.model),
            input_name: self.input_name,
            input: Some(self.input),
            preprocessing,
            labels: None,
            nodes: self.nodes,
            notes: self.notes,
        })
    }

    /// The output that all others lead to. Errs where there are several ends.
    fn output(&mut self) -> Result<String> {
        let outputs: Vec<String> = self.model.outputs().iter().map(|output| output.name.clone()).collect();
        let node = |name: &String| match self.held.get(name) {
            Some(Held::Map(map)) => self.places.get(&map.node).copied().filter(|place| *place < self.nodes.len()),
            _ => None,
        };
        let Some(last) = outputs.iter().max_by_key(|name| node(name)).cloned() else {
            return Err(malformed("graph", "it has no output"));
        };
        if let Some(at) = node(&last).and_then(|at| self.nodes.get(at)) {
            let before = ancestors(&self.nodes, &at.name);
            let leads = |name: &String| match self.held.get(name) {
                Some(Held::Map(map)) => before.contains(map.node.as_str()),
                _ => false,
            };
            if let Some(stray) = outputs.iter().find(|name| !leads(name)) {
                let (stray, last) = (stray.escape_debug(), last.escape_debug());
                let message = format!("its output `{stray}` doesn't lead to its output `{last}`: try keeping one");
                return Err(unsupported("graph", message));
            }
        }
        let others = outputs.iter().filter(|name| **name != last).map(|name| format!("`{}`", name.escape_debug()));
        let others: Vec<String> = others.collect();
        if !others.is_empty() {
            let (last, others) = (last.escape_debug(), others.join(", "));
            self.note(format!("of the graph's outputs, `{last}` is the network's; {others} lie on the way"));
        }
        Ok(last)
    }
}

/// Why a graph of integers isn't taken for a network.
pub(super) const ROUNDS: &str = "the graph rounds activations to integers, which a network of floating point numbers doesn't: try converting the float \
     model that it was made from, which the ONNX zoo has beside its -int8 and -qdq files";

/// How often each value is read, by nodes, branches and as an output.
fn readers(graph: &GraphProto) -> HashMap<&str, usize> {
    let mut readers = HashMap::new();
    let mut open = vec![graph];
    while let Some(graph) = open.pop() {
        let outputs = graph.output.iter().map(|output| output.name());
        for name in graph.node.iter().flat_map(|node| node.input.iter().map(String::as_str)).chain(outputs) {
            *readers.entry(name).or_insert(0) += 1;
        }
        open.extend(graph.node.iter().flat_map(|node| &node.attribute).filter_map(|attribute| attribute.g.as_ref()));
    }
    readers
}

/// The names of all nodes that `last` depends on, itself among them.
fn ancestors<'a>(nodes: &'a [graph::Node], last: &'a str) -> HashSet<&'a str> {
    let mut needed = HashSet::from([last]);
    for node in nodes.iter().rev() {
        if needed.contains(node.name.as_str()) {
            needed.extend(node.inputs.iter().map(String::as_str));
        }
    }
    needed
}

/// What the file calls the network. Exporters write names of their own where they know none.
fn own_name(model: &Model) -> Option<String> {
    const NONE: &[&str] =
        &["", "main_graph", "main", "graph", "torch-jit-export", "torch_jit", "tf2onnx", "onnx-graph"];
    let name = model.graph().name();
    Some(name.to_owned()).filter(|name| !NONE.contains(&name.as_str()))
}

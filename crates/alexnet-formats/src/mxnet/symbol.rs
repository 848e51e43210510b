//! A network as `Symbol.save` writes it: JSON whose nodes come in an order in which every node follows its inputs, variables
//! among them.

use super::attributes::Attributes;
use super::operators::{Means, Operator, operator};
use crate::shown::shown;
use crate::{Error, Group, Limits, Result, Unreadable};
use alexnet_spec::graph::{Node, NodeOp, Operand};
use alexnet_spec::layers::{Conv2d, Flatten, Linear};
use alexnet_spec::{Graph, Input, Op, Tensor, Transform};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

/// The file.
#[derive(Deserialize)]
struct Symbol {
    nodes: Vec<Entry>,
    heads: Vec<Reference>,
}

/// A node of the file. The attributes have had three names: `param` until 0.9, then `attr`, then `attrs`.
#[derive(Deserialize)]
struct Entry {
    op: String,
    name: String,
    #[serde(default, alias = "attr", alias = "param")]
    attrs: BTreeMap<String, String>,
    #[serde(default)]
    inputs: Vec<Reference>,
}

/// A node's number, which of its outputs, and, since 0.9, a version.
#[derive(Deserialize)]
struct Reference(Vec<u64>);

impl Reference {
    /// The node's number, which is one of the first `count`, and the output's.
    fn within(&self, count: usize) -> Result<(usize, usize)> {
        let number = |at: usize| self.0.get(at).and_then(|number| usize::try_from(*number).ok());
        match (number(0), number(1)) {
            (Some(node), Some(output)) if node < count => Ok((node, output)),
            _ => Err(Error::malformed(format!("a reference to {:?}, but only {count} nodes come before", self.0))),
        }
    }
}

/// The network that `json` describes, with its trained tensors from `group`; `name` is the file's.
pub(crate) fn graph(name: &str, json: &[u8], group: &Group, limits: &Limits) -> Result<Graph> {
    if json.len() > limits.header_bytes {
        return Err(Error::limit("header_bytes", format!("a symbol of {} bytes", json.len()), limits.header_bytes));
    }
    let symbol: Symbol = serde_json::from_slice(json).map_err(|error| {
        Error::malformed(format!("is no symbol of MXNet's: {}", shown(error.to_string().as_bytes())))
    })?;
    let [head] = &symbol.heads[..] else {
        let count = symbol.heads.len();
        return Err(Error::refused(format!("has {count} outputs")).with_remedy("exporting the logits alone"));
    };
    let head = head.within(symbol.nodes.len())?;
    let read = read_outputs(&symbol.nodes, head)?;
    let mut walk = Walk {
        tensors: group.tensors.iter().map(|(name, tensor)| (name.as_str(), tensor)).collect(),
        unreadable: &group.unreadable,
        read,
        image: None,
        input: None,
        values: BTreeMap::new(),
        names: HashSet::new(),
        nodes: Vec::new(),
    };
    for (number, entry) in symbol.nodes.iter().enumerate() {
        walk.visit(number, entry).map_err(|error| error.at(format!("node `{}`", shown(entry.name.as_bytes()))))?;
    }
    Ok(Graph {
        dialect: "mxnet",
        name: Some(name.to_owned()),
        input_name: walk.image.ok_or_else(|| Error::refused("has no input: every variable of it is a weight"))?,
        input: walk.input,
        preprocessing: None,
        labels: None,
        nodes: walk.nodes,
        notes: Vec::new(),
    })
}

/// The outputs, by node and number, that the network's own output is made of.
fn read_outputs(nodes: &[Entry], head: (usize, usize)) -> Result<BTreeSet<(usize, usize)>> {
    let mut read = BTreeSet::from([head]);
    for (number, entry) in nodes.iter().enumerate().rev() {
        if read.range((number, 0)..=(number, usize::MAX)).next().is_none() {
            continue;
        }
        for input in &entry.inputs {
            read.insert(input.within(number).map_err(|e| e.at(format!("node `{}`", shown(entry.name.as_bytes()))))?);
        }
    }
    Ok(read)
}

/// What is known of an output of a node.
#[derive(Clone)]
struct Value {
    name: String,
    channels: Option<usize>,
    flat: bool,
}

struct Walk<'a> {
    tensors: HashMap<&'a str, &'a Tensor>,
    unreadable: &'a [Unreadable],
    /// The outputs that matter.
    read: BTreeSet<(usize, usize)>,
    /// The variable that is the image.
    image: Option<String>,
    input: Option<Input>,
    values: BTreeMap<(usize, usize), Value>,
    /// The names of `nodes`.
    names: HashSet<String>,
    nodes: Vec<Node>,
}

impl Walk<'_> {
    fn visit(&mut self, number: usize, entry: &Entry) -> Result<()> {
        let outputs: Vec<usize> =
            self.read.range((number, 0)..=(number, usize::MAX)).map(|(_, output)| *output).collect();
        if outputs.is_empty() {
            return Ok(());
        }
        let attributes = Attributes(&entry.attrs);
        if entry.op == "null" {
            self.variable(number, entry);
            return Ok(());
        }
        let Operator { op, roles } = operator(&entry.op, attributes)?;
        let inputs = entry.inputs.iter().map(|input| input.within(number)).collect::<Result<Vec<_>>>()?;
        let Some((&first, others)) = inputs.split_first() else { return Err(Error::malformed("has no input")) };
        let value = match op {
            Means::Concat => self.concat(entry, &inputs)?,
            Means::Split(parts) => return self.split(number, entry, first, parts, &outputs),
            Means::Product(linear) => self.product(entry, first, linear)?,
            Means::Step(op) => self.step(entry, first, op)?,
        };
        self.operands(roles, others)?;
        if outputs != [0] {
            return Err(Error::refused("more than its first output is used"));
        }
        self.values.insert((number, 0), value);
        Ok(())
    }

    /// A variable that no tensor of the file has the name of is an input: the image, or the labels of a loss.
    fn variable(&mut self, number: usize, entry: &Entry) {
        let channels = match Attributes(&entry.attrs).sizes("__shape__").as_deref() {
            Some(&[_, channels, height, width]) if channels > 0 && height > 0 && width > 0 => {
                self.input.get_or_insert(Input { channels, height, width });
                Some(channels)
            }
            _ => None,
        };
        self.values.insert((number, 0), Value { name: entry.name.clone(), channels, flat: false });
    }

    /// What a step reads. The first time that it is no step's output, it is the image.
    fn data(&mut self, reference: (usize, usize)) -> Result<Value> {
        let unknown = || Error::malformed("reads an output that no node has");
        let value = self.values.get(&reference).ok_or_else(unknown)?.clone();
        if !self.names.contains(&value.name) {
            if self.tensors.contains_key(value.name.as_str()) {
                let name = shown(value.name.as_bytes());
                return Err(Error::refused(format!("computes with the weights `{name}` as if they were an image")));
            }
            let image = self.image.get_or_insert_with(|| value.name.clone());
            if *image != value.name {
                let (a, b) = (shown(image.as_bytes()), shown(value.name.as_bytes()));
                return Err(Error::refused(format!("the network has two inputs, `{a}` and `{b}`")));
            }
        }
        Ok(value)
    }

    fn step(&mut self, entry: &Entry, input: (usize, usize), op: NodeOp) -> Result<Value> {
        let input = self.data(input)?;
        let (channels, flat) = match &op {
            NodeOp::Layer(Op::Conv2d(Conv2d { out, .. })) => (Some(*out), false),
            NodeOp::Layer(Op::Flatten(_)) => (None, true),
            _ => (input.channels, input.flat),
        };
        self.push(Node::new(entry.name.as_str(), vec![input.name], op))?;
        Ok(Value { name: entry.name.clone(), channels, flat })
    }

    fn product(&mut self, entry: &Entry, input: (usize, usize), linear: Linear) -> Result<Value> {
        let mut input = self.data(input)?;
        if !input.flat {
            let name = format!("{}_flatten", entry.name);
            self.push(Node::new(name.as_str(), vec![input.name], Flatten {}))?;
            input.name = name;
        }
        let channels = Some(linear.out);
        self.push(Node::new(entry.name.as_str(), vec![input.name], linear))?;
        Ok(Value { name: entry.name.clone(), channels, flat: true })
    }

    fn concat(&mut self, entry: &Entry, inputs: &[(usize, usize)]) -> Result<Value> {
        let inputs = inputs.iter().map(|input| self.data(*input)).collect::<Result<Vec<_>>>()?;
        let channels = inputs.iter().try_fold(0usize, |sum, input| sum.checked_add(input.channels?));
        let flat = inputs.iter().all(|input| input.flat);
        let names = inputs.into_iter().map(|input| input.name).collect();
        self.push(Node::new(entry.name.as_str(), names, NodeOp::Concat))?;
        Ok(Value { name: entry.name.clone(), channels, flat })
    }

    fn split(
        &mut self,
        number: usize,
        entry: &Entry,
        input: (usize, usize),
        parts: usize,
        outputs: &[usize],
    ) -> Result<()> {
        let input = self.data(input)?;
        let width = input.channels.filter(|channels| parts > 0 && channels.is_multiple_of(parts));
        let Some(width) = width.and_then(|channels| channels.checked_div(parts)) else {
            return Err(Error::refused(format!("splits channels whose number isn't known, or no multiple of {parts}")));
        };
        for output in outputs {
            let start = output.checked_mul(width).filter(|_| *output < parts);
            let Some((start, end)) = start.and_then(|start| Some((start, start.checked_add(width)?))) else {
                return Err(Error::malformed(format!("output {output} of {parts} is used")));
            };
            let name = format!("{}[{output}]", entry.name);
            self.push(Node::new(name.as_str(), vec![input.name.clone()], NodeOp::Slice { start, end }))?;
            self.values.insert((number, *output), Value { name, channels: Some(width), flat: input.flat });
        }
        Ok(())
    }

    /// Gives the last node its trained tensors. Inputs beyond the roles are a loss's labels.
    fn operands(&mut self, roles: &[&'static str], inputs: &[(usize, usize)]) -> Result<()> {
        for (index, role) in roles.iter().enumerate().filter(|(_, role)| !role.is_empty()) {
            let name = inputs.get(index).and_then(|input| self.values.get(input)).map(|value| value.name.as_str());
            let name = name.ok_or_else(|| Error::malformed(format!("has no input for its {role}")))?;
            let Some(tensor) = self.tensors.get(name) else {
                let unreadable = self.unreadable.iter().find(|unreadable| unreadable.name == name);
                let why = unreadable.map_or("isn't in the file".to_owned(), |u| format!("can't be read: {}", u.reason));
                return Err(Error::refused(format!("its {role} `{}` {why}", shown(name.as_bytes())))
                    .with_remedy("the -symbol.json that was saved with these parameters"));
            };
            let operand = Operand::new(role, name, (*tensor).clone(), Transform::Identity);
            if let Some(node) = self.nodes.last_mut() {
                node.operands.push(operand);
            }
        }
        Ok(())
    }

    fn push(&mut self, node: Node) -> Result<()> {
        if !self.names.insert(node.name.clone()) {
            return Err(Error::malformed("its name is another node's, too"));
        }
        self.nodes.push(node);
        Ok(())
    }
}

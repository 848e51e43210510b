//! The other side of a reduction: a part of an ONNX graph, from which channels and features can be taken away.
//!
//! Nothing here is certain to keep a graph's meaning: nodes that aren't known stay as they are, and whoever takes something
//! away compares what the part then computes with what it computed before.

use alexnet_onnx::proto::{GraphProto, ModelProto, NodeProto};
use alexnet_onnx::{Dim, Model, cut};
use alexnet_spec::Tensor;
use anyhow::Result;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

/// A part of a graph with one input and one output.
#[derive(Clone)]
pub struct Part {
    pub(super) input: String,
    pub(super) output: String,
    pub(super) proto: ModelProto,
    pub(super) graph: GraphProto,
    pub(super) constants: BTreeMap<String, Tensor>,
}

impl Part {
    /// The part of `model` between two of its values, for an input of `shape`.
    pub fn between(model: &Model, from: &str, to: &str, shape: &[usize]) -> Result<Part> {
        let model = cut(model, &[(from.to_owned(), fixed(shape))], &[to.to_owned()])?;
        let mut constants: BTreeMap<_, _> =
            model.initializers().map(|(name, tensor)| (name.to_owned(), tensor.clone())).collect();
        let mut graph = model.graph().clone();
        // What `Constant` nodes hold is easier to take from as an initializer.
        graph.node.retain(|node| {
            let held = (node.op_type() == "Constant").then(|| node.output.first()).flatten();
            match held.and_then(|name| Some((name.clone(), model.constant(name)?))) {
                Some((name, tensor)) => constants.insert(name, tensor).is_some(),
                None => true,
            }
        });
        let proto = model.proto().clone();
        Ok(Part { input: from.to_owned(), output: to.to_owned(), proto, graph, constants })
    }

    /// The part as a model that takes an input of `shape`.
    pub fn model(&self, shape: &[usize]) -> Result<Model> {
        let whole = Model::new(self.proto.clone(), self.graph.clone(), self.constants.clone())?;
        // A part of all of it: with another shape, and without what nothing reads any longer.
        Ok(cut(&whole, &[(self.input.clone(), fixed(shape))], std::slice::from_ref(&self.output))?)
    }

    /// The operators, in their order.
    pub fn operators(&self) -> Vec<String> {
        self.graph.node.iter().map(|node| node.op_type().to_owned()).collect()
    }

    /// The position of the node that computes `value`.
    pub(super) fn producer(&self, value: &str) -> Option<usize> {
        self.graph.node.iter().position(|node| node.output.first().is_some_and(|output| output == value))
    }

    /// The positions of the nodes that read `value`.
    pub(super) fn readers(&self, value: &str) -> Vec<usize> {
        let reads = |(_, node): &(usize, &NodeProto)| node.input.iter().any(|input| input == value);
        self.graph.node.iter().enumerate().filter(reads).map(|(at, _)| at).collect()
    }

    /// Whether `value` is the same for every input.
    pub(super) fn is_constant(&self, value: &str) -> bool {
        let constant = |name: &String| name.is_empty() || self.is_constant(name);
        self.constants.contains_key(value)
            || self.producer(value).and_then(|at| self.graph.node.get(at)).is_some_and(|node| {
                // Only what a quantised or turned weight goes through: one or three inputs, so this ends soon.
                matches!(node.op_type(), "DequantizeLinear" | "Identity" | "Cast" | "Transpose")
                    && node.input.iter().all(constant)
            })
    }

    /// The shape of a constant.
    pub(super) fn constant_shape(&self, value: &str) -> Option<Vec<usize>> {
        if let Some(tensor) = self.constants.get(value) {
            return Some(tensor.shape().to_vec());
        }
        let node = self.graph.node.get(self.producer(value)?)?;
        let shape = self.constant_shape(node.input.first()?)?;
        if node.op_type() != "Transpose" {
            return Some(shape);
        }
        permutation(node, shape.len()).iter().map(|axis| shape.get(*axis).copied()).collect()
    }

    /// Narrows the constant that node `at` reads as input `input`, for this node alone.
    pub(super) fn narrow(&mut self, at: usize, input: usize, axis: usize, keep: &Range<usize>) -> Option<()> {
        let name = self.graph.node.get(at)?.input.get(input)?.clone();
        if let Some(tensor) = self.constants.get(&name) {
            let narrowed = tensor.narrow(axis, keep.start, keep.len()).ok()?;
            let own = self.own_name(at, &name);
            *self.graph.node.get_mut(at)?.input.get_mut(input)? = own.clone();
            self.constants.insert(own, narrowed);
            return Some(());
        }
        if self.readers(&name).len() > 1 {
            return None;
        }
        let source = self.producer(&name)?;
        let node = self.graph.node.get(source)?.clone();
        match node.op_type() {
            "Identity" | "Cast" => self.narrow(source, 0, axis, keep),
            "Transpose" => {
                let rank = self.constant_shape(&name)?.len();
                self.narrow(source, 0, *permutation(&node, rank).get(axis)?, keep)
            }
            "DequantizeLinear" => {
                let rank = self.constant_shape(&name)?.len();
                let along = resolve(int(&node, "axis").unwrap_or(1), rank)?;
                self.narrow(source, 0, axis, keep)?;
                for parameter in 1..node.input.len() {
                    let per_channel =
                        |name: &String| self.constant_shape(name).is_some_and(|s| s.len() == 1 && s != [1]);
                    if along == axis && node.input.get(parameter).is_some_and(per_channel) {
                        self.narrow(source, parameter, 0, keep)?;
                    }
                }
                Some(())
            }
            _ => None,
        }
    }

    /// The name itself where node `at` alone reads it, else a new one.
    fn own_name(&self, at: usize, name: &str) -> String {
        if self.readers(name) == [at] {
            return name.to_owned();
        }
        let outputs = self.graph.node.iter().flat_map(|node| &node.output).map(String::as_str);
        let taken: BTreeSet<&str> = outputs.chain(self.constants.keys().map(String::as_str)).collect();
        let mut own = format!("{name}_{at}");
        while taken.contains(own.as_str()) || own == self.input {
            own.push('_');
        }
        own
    }
}

fn fixed(shape: &[usize]) -> Vec<Dim> {
    shape.iter().map(|size| Dim::Fixed(*size)).collect()
}

/// A node's integer attribute.
pub(super) fn int(node: &NodeProto, name: &str) -> Option<i64> {
    node.attribute.iter().find(|attribute| attribute.name() == name)?.i
}

/// An axis, which may be counted from the end.
pub(super) fn resolve(axis: i64, rank: usize) -> Option<usize> {
    usize::try_from(if axis < 0 { axis + rank as i64 } else { axis }).ok().filter(|axis| *axis < rank)
}

/// Where a `Transpose` takes each axis from.
fn permutation(node: &NodeProto, rank: usize) -> Vec<usize> {
    match node.attribute.iter().find(|attribute| attribute.name() == "perm") {
        Some(perm) => perm.ints.iter().filter_map(|axis| resolve(*axis, rank)).collect(),
        None => (0..rank).rev().collect(),
    }
}

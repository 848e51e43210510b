//! The state of a lowering: what is known of every value, and the nodes so far.

use super::node::Node;
use super::{Weight, tensor_header};
use crate::graph::{data_type, float, int, ints};
use crate::proto::{AttributeProto, GraphProto, NodeProto, TensorProto};
use crate::validate::{malformed, unsupported};
use crate::{Dim, Error, Model, Result, Value};
use alexnet_spec::{DType, Tensor};
use std::collections::{BTreeMap, HashMap, HashSet};

/// More elements than any value of a network of the family has, for a batch of thousands.
const MAX_ELEMENTS: usize = 1 << 31;
/// Bytes of all constants that lowering makes. A published network takes some hundred kilobytes; a graph made to harm
/// could ask for one of half a megabyte in every node.
const MAX_CONSTANTS: usize = 1 << 26;
/// Elements of one such constant.
const MAX_CONSTANT: usize = 1 << 22;

pub(crate) struct Lowering<'m> {
    known: HashMap<String, Known>,
    pub(crate) nodes: Vec<NodeProto>,
    /// Small constants that lowering makes; they stay in the model.
    pub(crate) constants: Vec<TensorProto>,
    /// Constants of the original graph that lowered nodes read.
    fed: BTreeMap<String, Weight>,
    /// Every name in use.
    names: HashSet<String>,
    /// Every name that something reads.
    reads: HashSet<&'m str>,
    /// Bytes of constants made so far.
    spent: usize,
    /// Bytes of the graph's constants that were copied so far, and how many may be.
    copied: usize,
    capacity: usize,
    /// Whether bf16 was met, which is computed in f32.
    pub(crate) widened: bool,
}

/// What is known of a value.
#[derive(Clone)]
pub(crate) struct Known {
    pub(crate) shape: Vec<usize>,
    /// The type in which it is computed: f32 where the original's is bf16.
    pub(crate) dtype: DType,
    /// Its elements, where they don't depend on the graph's inputs.
    pub(crate) constant: Option<Tensor>,
}

impl<'m> Lowering<'m> {
    pub(super) fn new(model: &'m Model, batch: usize, taps: &[String]) -> Result<Lowering<'m>> {
        let graph = model.graph();
        let mut lowering = Lowering {
            known: HashMap::new(),
            nodes: Vec::new(),
            constants: Vec::new(),
            fed: BTreeMap::new(),
            names: HashSet::new(),
            reads: HashSet::new(),
            spent: 0,
            copied: 0,
            // Integers become floats of four bytes, and a graph makes of each of its constants no more than that.
            capacity: model
                .initializers()
                .map(|(_, tensor)| tensor.elements().saturating_mul(4 * tensor.dtype().size()))
                .fold(MAX_CONSTANTS, usize::saturating_add),
            widened: false,
        };
        lowering.survey(graph);
        lowering.reads.extend(model.computed().filter(|name| taps.iter().any(|tap| tap == name)));
        for (name, tensor) in model.initializers() {
            lowering.names.insert(name.to_owned());
            lowering.define(name, tensor.clone());
        }
        for input in model.inputs() {
            lowering.names.insert(input.name.clone());
            let shape = fixed(input, batch)?;
            let dtype = lowering.computed_in(input.dtype);
            lowering.known.insert(input.name.clone(), Known { shape, dtype, constant: None });
        }
        Ok(lowering)
    }

    /// Takes down every name that a graph and the branches in it read and write.
    fn survey(&mut self, graph: &'m GraphProto) {
        self.reads.extend(graph.output.iter().map(|output| output.name()));
        self.names.extend(graph.initializer.iter().map(|tensor| tensor.name().to_owned()));
        for node in &graph.node {
            self.reads.extend(node.input.iter().map(String::as_str));
            self.names.extend(node.output.iter().cloned());
            for branch in node.attribute.iter().filter_map(|attribute| attribute.g.as_ref()) {
                self.survey(branch);
            }
        }
    }

    /// The type in which values of `dtype` are computed.
    pub(crate) fn computed_in(&mut self, dtype: DType) -> DType {
        if dtype == DType::BF16 {
            self.widened = true;
            return DType::F32;
        }
        dtype
    }

    /// What is known of a value; the model was checked to define every name before it is read.
    pub(crate) fn get(&self, name: &str) -> Result<&Known> {
        self.known
            .get(name)
            .ok_or_else(|| malformed("graph", format!("`{}` is read before it is computed", name.escape_debug())))
    }

    pub(crate) fn knows(&self, name: &str) -> bool {
        self.known.contains_key(name)
    }

    pub(crate) fn is_read(&self, name: &str) -> bool {
        self.reads.contains(name)
    }

    /// Makes `name` a constant.
    pub(crate) fn define(&mut self, name: &str, tensor: Tensor) {
        let dtype = self.computed_in(tensor.dtype());
        let known = Known { shape: tensor.shape().to_vec(), dtype, constant: Some(tensor) };
        self.known.insert(name.to_owned(), known);
    }

    /// Makes `name` a constant of integers.
    pub(crate) fn define_ints(&mut self, name: &str, shape: Vec<usize>, values: &[i64]) -> Result<()> {
        self.spend(size_of_val(values))?;
        let bytes: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
        self.define(name, Tensor::new(DType::I64, shape, bytes.into())?);
        Ok(())
    }

    /// The integers of a constant; `None` where the value isn't constant or isn't of integers.
    pub(crate) fn ints(&self, name: &str) -> Result<Option<Vec<i64>>> {
        let Some(tensor) = &self.get(name)?.constant else { return Ok(None) };
        let bytes = tensor.to_bytes();
        Ok(match tensor.dtype() {
            DType::I64 => Some(bytes.as_chunks().0.iter().map(|b| i64::from_le_bytes(*b)).collect()),
            DType::I32 => Some(bytes.as_chunks().0.iter().map(|b| i32::from_le_bytes(*b).into()).collect()),
            _ => None,
        })
    }

    /// The integers that a node needs to know beforehand: a shape, pads, indices.
    pub(crate) fn needed_ints(&self, node: &Node, name: &str) -> Result<Vec<i64>> {
        self.ints(name)?.ok_or_else(|| {
            node.unsupported(format!("input `{}` must be constant integers, but is computed", name.escape_debug()))
        })
    }

    /// The one value of a floating point constant; `None` where it is anything else.
    pub(crate) fn scalar(&self, name: &str) -> Result<Option<f32>> {
        match &self.get(name)?.constant {
            Some(tensor) if tensor.elements() == 1 && tensor.dtype().is_float() => {
                Ok(tensor.to_f32()?.first().copied())
            }
            _ => Ok(None),
        }
    }

    /// What is known of a floating point value that lowered nodes may read.
    pub(crate) fn operand(&mut self, node: &Node, name: &str) -> Result<Known> {
        let known = self.get(name)?.clone();
        if !matches!(known.dtype, DType::F32 | DType::F16) {
            let message = format!(
                "input `{}` is of {}; only f32, f16 and bf16 are computed: export the model in one of these",
                name.escape_debug(),
                known.dtype
            );
            return Err(node.unsupported(message));
        }
        self.materialise(name)?;
        Ok(known)
    }

    /// Makes sure that lowered nodes can read `name`: a constant becomes something to feed.
    pub(crate) fn materialise(&mut self, name: &str) -> Result<()> {
        let known = self.get(name)?;
        if let Some(tensor) = &known.constant {
            let weight = Weight { name: name.to_owned(), dtype: known.dtype, tensor: tensor.clone() };
            self.fed.insert(name.to_owned(), weight);
        }
        Ok(())
    }

    /// A name that nothing has: that of `node`'s output, and what the new value is.
    pub(crate) fn fresh(&mut self, node: &Node, what: &str) -> Result<String> {
        let base = format!("{}/{what}", node.output()?);
        let mut name = base.clone();
        let mut number = 1;
        while !self.names.insert(name.clone()) {
            number += 1;
            name = format!("{base}{number}");
        }
        Ok(name)
    }

    /// Appends a lowered node, which is named as its output. Errs where the output would be unreasonably large.
    pub(crate) fn emit(
        &mut self,
        node: &Node,
        made: Made,
        output: &str,
        shape: Vec<usize>,
        dtype: DType,
    ) -> Result<()> {
        if shape.iter().try_fold(1usize, |n, d| n.checked_mul(*d)).is_none_or(|n| n > MAX_ELEMENTS) {
            return Err(
                node.unsupported(format!("its output of shape {shape:?} has more than {MAX_ELEMENTS} elements"))
            );
        }
        self.nodes.push(NodeProto {
            name: Some(output.to_owned()),
            op_type: Some(made.operator.into()),
            input: made.inputs,
            output: vec![output.to_owned()],
            attribute: made.attributes,
            ..Default::default()
        });
        self.known.insert(output.to_owned(), Known { shape, dtype, constant: None });
        Ok(())
    }

    /// Appends a lowered node under a fresh name, which is returned.
    pub(crate) fn emit_part(
        &mut self,
        node: &Node,
        what: &str,
        made: Made,
        shape: Vec<usize>,
        dtype: DType,
    ) -> Result<String> {
        let name = self.fresh(node, what)?;
        self.emit(node, made, &name, shape, dtype)?;
        Ok(name)
    }

    /// A new constant of floats, of type `dtype`, that stays in the lowered model.
    pub(crate) fn floats(
        &mut self,
        node: &Node,
        what: &str,
        dtype: DType,
        shape: &[usize],
        values: &[f32],
    ) -> Result<String> {
        let tensor = Tensor::from_f32(shape.to_vec(), values)?;
        let mut bytes = Vec::new();
        tensor.for_each_chunk::<crate::Error>(dtype, &mut |chunk| {
            bytes.extend_from_slice(chunk);
            Ok(())
        })?;
        self.constant(node, what, dtype, shape, bytes)
    }

    /// A new vector of integers that stays in the lowered model.
    pub(crate) fn indices(
        &mut self,
        node: &Node,
        what: &str,
        values: impl IntoIterator<Item = usize>,
    ) -> Result<String> {
        let values: Vec<i64> = values.into_iter().map(|v| v as i64).collect();
        let bytes = values.iter().flat_map(|v| v.to_le_bytes()).collect();
        self.constant(node, what, DType::I64, &[values.len()], bytes)
    }

    /// Errs where lowering would make more constants than a network needs.
    fn spend(&mut self, bytes: usize) -> Result<()> {
        self.spent = self.spent.saturating_add(bytes);
        if self.spent > MAX_CONSTANTS {
            let message = format!("lowering it makes {} bytes of constants", self.spent);
            return Err(Error::Limit { place: "graph".into(), message, limit: MAX_CONSTANTS as u64 });
        }
        Ok(())
    }

    /// Errs where more bytes of the graph's own constants would be copied than it has reason to: a file of a megabyte could
    /// ask for the same megabyte in every node.
    pub(crate) fn copy(&mut self, bytes: usize) -> Result<()> {
        self.copied = self.copied.saturating_add(bytes);
        if self.copied > self.capacity {
            let message = format!("it copies {} bytes of its constants", self.copied);
            return Err(Error::Limit { place: "graph".into(), message, limit: self.capacity as u64 });
        }
        Ok(())
    }

    fn constant(&mut self, node: &Node, what: &str, dtype: DType, shape: &[usize], bytes: Vec<u8>) -> Result<String> {
        self.spend(bytes.len())?;
        let name = self.fresh(node, what)?;
        let tensor = TensorProto { raw_data: Some(bytes.into()), ..tensor_header(&name, dtype, shape) };
        self.constants.push(tensor);
        Ok(name)
    }

    /// `input` in f32: itself, or a cast of it.
    pub(crate) fn widen(&mut self, node: &Node, input: &str) -> Result<String> {
        let known = self.operand(node, input)?;
        if known.dtype == DType::F32 {
            return Ok(input.to_owned());
        }
        let cast = Made::new("Cast", [input]).int("to", data_type(DType::F32) as i64);
        self.emit_part(node, "f32", cast, known.shape, DType::F32)
    }

    /// Appends the node that computes `output` in f32, and a cast to `dtype` where it is another.
    pub(crate) fn emit_narrowed(
        &mut self,
        node: &Node,
        made: Made,
        output: &str,
        shape: Vec<usize>,
        dtype: DType,
    ) -> Result<()> {
        if dtype == DType::F32 {
            return self.emit(node, made, output, shape, dtype);
        }
        let wide = self.emit_part(node, "wide", made, shape.clone(), DType::F32)?;
        let cast = Made::new("Cast", [wide]).int("to", data_type(dtype) as i64);
        self.emit(node, cast, output, shape, dtype)
    }

    /// `input` in another shape, under the name `output`.
    pub(crate) fn emit_reshape(&mut self, node: &Node, input: &str, output: &str, shape: Vec<usize>) -> Result<()> {
        let dtype = self.operand(node, input)?.dtype;
        let to = self.indices(node, "shape", shape.iter().copied())?;
        self.emit(node, Made::new("Reshape", [input, &to]), output, shape, dtype)
    }

    /// Drops nodes, constants and weights that no output depends on.
    pub(super) fn keep_reachable(&mut self, outputs: Vec<String>) {
        let mut needed: HashSet<String> = outputs.into_iter().collect();
        let mut kept = Vec::new();
        for node in self.nodes.drain(..).rev() {
            if node.output.iter().any(|output| needed.contains(output)) {
                needed.extend(node.input.iter().cloned());
                kept.push(node);
            }
        }
        kept.reverse();
        self.nodes = kept;
        self.constants.retain(|constant| needed.contains(constant.name()));
        self.fed.retain(|name, _| needed.contains(name));
    }

    /// The constants to feed, sorted by name.
    pub(super) fn weights(&mut self) -> Vec<Weight> {
        std::mem::take(&mut self.fed).into_values().collect()
    }

    /// A value as the lowered graph has it.
    pub(super) fn describe(&self, name: &str) -> Result<Value> {
        let known = self.get(name)?;
        let shape = Some(known.shape.iter().map(|d| Dim::Fixed(*d)).collect());
        Ok(Value { name: name.to_owned(), dtype: known.dtype, shape })
    }
}

/// The elements of a constant that a node asks for. Errs where it would be unreasonably large.
pub(crate) fn constant_elements(node: &Node, shape: &[usize]) -> Result<usize> {
    let elements = shape.iter().try_fold(1usize, |n, d| n.checked_mul(*d)).filter(|n| *n <= MAX_CONSTANT);
    elements.ok_or_else(|| node.unsupported(format!("takes a constant of {shape:?}, above {MAX_CONSTANT} elements")))
}

/// The shape of an input for `batch` examples.
fn fixed(input: &Value, batch: usize) -> Result<Vec<usize>> {
    let place = format!("input `{}`", input.name.escape_debug());
    let Some(dims) = &input.shape else {
        return Err(unsupported(place, "has no shape: only its batch may be left open"));
    };
    let mut shape = Vec::with_capacity(dims.len());
    for (axis, dim) in dims.iter().enumerate() {
        shape.push(match dim {
            Dim::Fixed(size) if axis == 0 && *size != batch => {
                let message = format!("takes batches of {size}, not of {batch}");
                return Err(unsupported(place, message));
            }
            Dim::Fixed(size) => *size,
            Dim::Open(_) if axis == 0 => batch,
            Dim::Open(_) => {
                return Err(unsupported(
                    place,
                    "has open dimensions; only its batch may be left open: export the model at one size of images",
                ));
            }
        });
    }
    if shape.iter().try_fold(1usize, |n, d| n.checked_mul(*d)).is_none_or(|n| n > MAX_ELEMENTS) {
        return Err(unsupported(place, format!("{shape:?} has more than {MAX_ELEMENTS} elements")));
    }
    Ok(shape)
}

/// A node to be appended, without its output.
pub(crate) struct Made {
    operator: &'static str,
    inputs: Vec<String>,
    attributes: Vec<AttributeProto>,
}

impl Made {
    pub(crate) fn new<S: Into<String>>(operator: &'static str, inputs: impl IntoIterator<Item = S>) -> Made {
        Made { operator, inputs: inputs.into_iter().map(Into::into).collect(), attributes: Vec::new() }
    }

    pub(crate) fn int(mut self, name: &str, value: i64) -> Made {
        self.attributes.push(int(name, value));
        self
    }

    pub(crate) fn float(mut self, name: &str, value: f32) -> Made {
        self.attributes.push(float(name, value));
        self
    }

    pub(crate) fn ints(mut self, name: &str, values: &[usize]) -> Made {
        self.attributes.push(ints(name, values.iter().map(|v| *v as i64).collect()));
        self
    }
}

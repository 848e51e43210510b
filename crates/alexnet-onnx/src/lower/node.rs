//! A node while it is lowered: its inputs and attributes, with a record of which attributes were read.

use crate::proto::attribute_proto::AttributeType;
use crate::proto::{AttributeProto, GraphProto, NodeProto};
use crate::validate::{malformed, unsupported};
use crate::{Error, Result, tensor};
use alexnet_spec::Tensor;
use std::cell::RefCell;
use std::collections::HashSet;

pub(crate) struct Node<'m> {
    proto: &'m NodeProto,
    place: String,
    /// The version of the operator set that says what the node means.
    pub(crate) opset: i64,
    read: RefCell<HashSet<&'m str>>,
}

impl<'m> Node<'m> {
    pub(crate) fn new(proto: &'m NodeProto, place: String, opset: i64) -> Node<'m> {
        Node { proto, place, opset, read: RefCell::default() }
    }

    pub(crate) fn operator(&self) -> &'m str {
        self.proto.op_type()
    }

    /// The node's name; empty where it has none.
    pub(crate) fn name(&self) -> &'m str {
        self.proto.name()
    }

    pub(crate) fn malformed(&self, message: impl Into<String>) -> Error {
        malformed(&self.place, message)
    }

    pub(crate) fn unsupported(&self, message: impl Into<String>) -> Error {
        unsupported(&self.place, message)
    }

    /// The name of input `index`. Errs where the node has none.
    pub(crate) fn input(&self, index: usize) -> Result<&'m str> {
        self.optional(index).ok_or_else(|| self.malformed(format!("has no input {index}")))
    }

    /// The name of input `index`, where there is one.
    pub(crate) fn optional(&self, index: usize) -> Option<&'m str> {
        self.proto.input.get(index).map(String::as_str).filter(|name| !name.is_empty())
    }

    /// The names of all inputs. Errs where one of them is left out, or there are fewer than `least` or more than `most`.
    pub(crate) fn inputs(&self, least: usize, most: usize) -> Result<Vec<&'m str>> {
        let count = self.proto.input.len();
        if !(least..=most).contains(&count) {
            return Err(self.malformed(format!("has {count} inputs; there must be from {least} to {most}")));
        }
        (0..count).map(|index| self.input(index)).collect()
    }

    /// The name of the first output.
    pub(crate) fn output(&self) -> Result<&'m str> {
        let first = self.proto.output.first().map(String::as_str).filter(|name| !name.is_empty());
        first.ok_or_else(|| self.malformed("has no output"))
    }

    /// The names of all outputs.
    pub(crate) fn outputs(&self) -> impl Iterator<Item = &'m str> {
        self.proto.output.iter().map(String::as_str)
    }

    fn attribute(&self, name: &'m str, expected: AttributeType) -> Result<Option<&'m AttributeProto>> {
        let mut found = self.proto.attribute.iter().filter(|attribute| attribute.name() == name);
        let attribute = found.next();
        if found.next().is_some() {
            return Err(self.malformed(format!("has two attributes `{name}`")));
        }
        self.read.borrow_mut().insert(name);
        let Some(attribute) = attribute else { return Ok(None) };
        if !attribute.ref_attr_name().is_empty() {
            return Err(self.malformed(format!("attribute `{name}` refers to a function's, outside of any function")));
        }
        // IR versions 1 and 2 didn't write the type.
        if attribute.r#type() != expected && attribute.r#type() != AttributeType::Undefined {
            let seen = attribute.r#type().as_str_name().to_lowercase();
            let expected = expected.as_str_name().to_lowercase();
            return Err(self.malformed(format!("attribute `{name}` is of type {seen}, not {expected}")));
        }
        Ok(Some(attribute))
    }

    pub(crate) fn int(&self, name: &'m str) -> Result<Option<i64>> {
        Ok(self.attribute(name, AttributeType::Int)?.map(|attribute| attribute.i.unwrap_or_default()))
    }

    pub(crate) fn float(&self, name: &'m str) -> Result<Option<f32>> {
        Ok(self.attribute(name, AttributeType::Float)?.map(|attribute| attribute.f.unwrap_or_default()))
    }

    pub(crate) fn ints(&self, name: &'m str) -> Result<Option<&'m [i64]>> {
        Ok(self.attribute(name, AttributeType::Ints)?.map(|attribute| attribute.ints.as_slice()))
    }

    pub(crate) fn floats(&self, name: &'m str) -> Result<Option<&'m [f32]>> {
        Ok(self.attribute(name, AttributeType::Floats)?.map(|attribute| attribute.floats.as_slice()))
    }

    pub(crate) fn string(&self, name: &'m str) -> Result<Option<&'m str>> {
        let Some(attribute) = self.attribute(name, AttributeType::String)? else { return Ok(None) };
        let text = std::str::from_utf8(attribute.s.as_deref().unwrap_or_default());
        text.map(Some).map_err(|_| self.malformed(format!("attribute `{name}` isn't UTF-8")))
    }

    pub(crate) fn tensor(&self, name: &'m str) -> Result<Option<Tensor>> {
        let Some(attribute) = self.attribute(name, AttributeType::Tensor)? else { return Ok(None) };
        let proto = attribute.t.clone().ok_or_else(|| self.malformed(format!("attribute `{name}` holds no tensor")))?;
        tensor::inline(&self.place, proto).map(Some)
    }

    pub(crate) fn graph(&self, name: &'m str) -> Result<&'m GraphProto> {
        let graph = self.attribute(name, AttributeType::Graph)?.and_then(|attribute| attribute.g.as_ref());
        graph.ok_or_else(|| self.malformed(format!("has no graph `{name}`")))
    }

    /// Marks attributes as read that change nothing at test time, or only how a result is computed.
    pub(crate) fn ignore(&self, names: &[&'m str]) {
        self.read.borrow_mut().extend(names);
    }

    /// Errs where the node has an attribute that nothing read: it may change what the node means.
    pub(crate) fn finish(&self) -> Result<()> {
        let read = self.read.borrow();
        match self.proto.attribute.iter().find(|attribute| !read.contains(attribute.name())) {
            None => Ok(()),
            Some(attribute) => {
                let name = attribute.name().escape_debug();
                let opset = self.opset;
                Err(self.unsupported(format!("attribute `{name}` isn't known for this operator in opset {opset}")))
            }
        }
    }
}

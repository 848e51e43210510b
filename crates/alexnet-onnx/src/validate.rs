//! What must hold of a decoded model before anything reads it: one default operator set, plain nodes in order, every
//! value computed once.

use crate::proto::{GraphProto, ModelProto, NodeProto, StringStringEntryProto};
use crate::{Error, Result};
use alexnet_spec::{Metadata, Tensor};
use std::collections::{BTreeMap, HashSet};

pub(crate) fn malformed(place: impl Into<String>, message: impl Into<String>) -> Error {
    Error::Malformed { place: place.into(), message: message.into() }
}

pub(crate) fn unsupported(place: impl Into<String>, message: impl Into<String>) -> Error {
    Error::Unsupported { place: place.into(), message: message.into() }
}

/// How errors name a node: by its name, else its first output, else its position; always with its operator.
pub(crate) fn place(index: usize, node: &NodeProto) -> String {
    let name = [node.name()].into_iter().chain(node.output.iter().map(String::as_str)).find(|name| !name.is_empty());
    let operator = node.op_type().escape_debug();
    match name {
        Some(name) => format!("node `{}` ({operator})", name.escape_debug()),
        None => format!("node {index} ({operator})"),
    }
}

/// Whether a domain is that of ONNX's own operators.
pub(crate) fn is_onnx(domain: &str) -> bool {
    matches!(domain, "" | "ai.onnx")
}

/// Checks all but the graph, and gives the version of the default operator set.
pub(crate) fn model(proto: &ModelProto) -> Result<i64> {
    if proto.ir_version.is_none_or(|version| version < 1) {
        return Err(malformed("model", "there is no IR version: this is not an ONNX model"));
    }
    if let Some(function) = proto.functions.first() {
        let name = function.name().escape_debug();
        return Err(unsupported(
            format!("function `{name}`"),
            "functions aren't read: try onnx.inliner in Python first",
        ));
    }
    if !proto.training_info.is_empty() {
        return Err(unsupported("model", "it holds training information: export it for inference"));
    }
    let mut versions = proto.opset_import.iter().filter(|set| is_onnx(set.domain()));
    match (versions.next(), versions.next()) {
        (Some(_), Some(_)) => Err(malformed("model", "it imports ONNX's operator set twice")),
        (Some(set), None) if set.version() >= 1 => Ok(set.version()),
        (Some(set), None) => Err(malformed("model", format!("it imports opset {}", set.version()))),
        (None, _) => Err(malformed("model", "it imports no version of ONNX's operator set")),
    }
}

/// Checks that nodes read only what is there before them, and that nothing is computed twice.
pub(crate) fn graph(graph: &GraphProto, initializers: &BTreeMap<String, Tensor>) -> Result<()> {
    let mut known: HashSet<&str> = initializers.keys().map(String::as_str).collect();
    let mut inputs = HashSet::new();
    for input in &graph.input {
        if !inputs.insert(input.name()) {
            return Err(malformed("graph", format!("two inputs are called `{}`", input.name().escape_debug())));
        }
    }
    known.extend(inputs);
    nodes(graph, &mut known)
}

/// Checks the nodes and outputs of a graph or a branch, given the names that are there before it.
fn nodes<'g>(graph: &'g GraphProto, known: &mut HashSet<&'g str>) -> Result<()> {
    if !graph.sparse_initializer.is_empty() {
        return Err(unsupported("graph", "sparse initializers aren't read"));
    }
    for (index, node) in graph.node.iter().enumerate() {
        let place = || place(index, node);
        if node.op_type().is_empty() {
            return Err(malformed(place(), "has no operator"));
        }
        for input in node.input.iter().filter(|input| !input.is_empty()) {
            if !known.contains(input.as_str()) {
                let input = input.escape_debug();
                return Err(malformed(place(), format!("reads `{input}`, which nothing before it computes")));
            }
        }
        for attribute in &node.attribute {
            let name = attribute.name().escape_debug();
            if !attribute.graphs.is_empty() || attribute.g.is_some() && node.op_type() != "If" {
                return Err(unsupported(place(), format!("attribute `{name}` holds a graph: only If may, not loops")));
            }
            if let Some(branch) = &attribute.g {
                self::branch(branch, known).map_err(|e| within(e, &place(), &name.to_string()))?;
            }
        }
        for output in node.output.iter().filter(|output| !output.is_empty()) {
            if !known.insert(output) {
                let output = output.escape_debug();
                return Err(malformed(place(), format!("computes `{output}`, which is there already")));
            }
        }
    }
    for output in &graph.output {
        if !known.contains(output.name()) {
            return Err(malformed("graph", format!("nothing computes its output `{}`", output.name().escape_debug())));
        }
    }
    Ok(())
}

/// Checks a branch of an `If`, which sees all that is there before it and adds nothing to it.
fn branch<'g>(graph: &'g GraphProto, known: &mut HashSet<&'g str>) -> Result<()> {
    if !graph.input.is_empty() {
        return Err(malformed("graph", "it has inputs, which a branch can't have"));
    }
    let initializers = graph.initializer.iter().map(|tensor| tensor.name());
    let outputs = graph.node.iter().flat_map(|node| node.output.iter().map(String::as_str));
    let own: Vec<&str> = initializers.clone().chain(outputs).filter(|name| !known.contains(name)).collect();
    for name in initializers {
        if name.is_empty() || !known.insert(name) {
            return Err(malformed("graph", format!("initializer `{}` is there already", name.escape_debug())));
        }
    }
    nodes(graph, known)?;
    for name in own {
        known.remove(name);
    }
    Ok(())
}

/// An error of a branch, with the node that holds it.
fn within(error: Error, node: &str, attribute: &str) -> Error {
    match error {
        Error::Malformed { place, message } => {
            Error::Malformed { place: format!("{node}, {attribute}, {place}"), message }
        }
        Error::Unsupported { place, message } => {
            Error::Unsupported { place: format!("{node}, {attribute}, {place}"), message }
        }
        other => other,
    }
}

/// The metadata as pairs. Errs where a key stands twice.
pub(crate) fn metadata(entries: &[StringStringEntryProto]) -> Result<Metadata> {
    let mut pairs = BTreeMap::new();
    for entry in entries {
        if pairs.insert(entry.key().to_owned(), entry.value().to_owned()).is_some() {
            return Err(malformed("metadata", format!("two entries are called `{}`", entry.key().escape_debug())));
        }
    }
    Ok(Metadata(pairs))
}

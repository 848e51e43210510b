use super::block::{self, Block, Weight};
use super::meta::Meta;
use super::options::Options;
use super::{Described, Root};
use crate::mat::{Cell, Value};
use crate::shown::shown;
use crate::{Error, Result};
use alexnet_spec::Graph;
use alexnet_spec::graph::Node;
use alexnet_spec::layers::Softmax;
use std::collections::HashSet;

/// What the image is called: no field of a SimpleNN names it.
const INPUT: &str = "input";

/// A chain of layers.
pub(super) fn read(root: Root, layers: &Cell) -> Result<Described> {
    let meta = Meta::read(root)?;
    let mut chain = Chain {
        nodes: Vec::new(),
        names: HashSet::from([INPUT.to_owned()]),
        channels: meta.channels(),
        tensors: Vec::new(),
    };
    for (index, layer) in layers.items.iter().enumerate() {
        let path = format!("{}{{{}}}", root.path("layers"), index.saturating_add(1));
        let options = Options(layer);
        let name = options.text("name").ok().flatten().filter(|name| !name.is_empty());
        let name = name.map_or_else(|| format!("layer{}", index.saturating_add(1)), str::to_owned);
        chain.push(options, &name, &path).map_err(|error| error.at(format!("layer `{}`", shown(name.as_bytes()))))?;
    }
    let classes = chain.channels;
    let mut notes = Vec::new();
    let graph = Graph {
        dialect: "matconvnet",
        name: None,
        input_name: INPUT.to_owned(),
        input: meta.input(),
        preprocessing: meta.preprocessing(&mut notes)?,
        labels: meta.labels(classes, &mut notes)?,
        nodes: chain.nodes,
        notes,
    };
    Ok(Described { graph, tensors: chain.tensors })
}

struct Chain {
    nodes: Vec<Node>,
    names: HashSet<String>,
    /// Of the last node's output.
    channels: Option<usize>,
    tensors: Vec<(String, alexnet_spec::Tensor)>,
}

impl Chain {
    fn push(&mut self, options: Options, name: &str, path: &str) -> Result<()> {
        let kind = match options.text("type")? {
            Some(kind) => kind,
            None => return Err(Error::refused(format!("`{path}` is {} without a `type`", options.0.describe()))),
        };
        let channels = self.channels;
        let block = match kind {
            "conv" => block::convolution(options, &weights(options, path), channels)?,
            "bnorm" => block::batch_norm(options, &weights(options, path), channels)?,
            "relu" => block::relu(options, channels)?,
            "lrn" | "normalize" => block::normalisation(options, channels)?,
            "pool" => block::pooling(options, "pool", channels)?,
            "dropout" => block::dropout(options, channels)?,
            "softmax" => Block { op: Softmax {}.into(), operands: Vec::new(), channels },
            // What training measures; a softmax for the loss's sake is none of the network's.
            "softmaxloss" | "loss" => return Ok(()),
            other => {
                let other = shown(other.as_bytes());
                return Err(Error::refused(format!("a layer of type `{other}`, which isn't converted")));
            }
        };
        for operand in &block.operands {
            for (source, tensor) in operand.sources.iter().zip(&operand.tensors) {
                if !self.tensors.iter().any(|(known, _)| known == source) {
                    self.tensors.push((source.clone(), tensor.clone()));
                }
            }
        }
        let mut unique = name.to_owned();
        let mut count = 1usize;
        while !self.names.insert(unique.clone()) {
            count = count.saturating_add(1);
            unique = format!("{name}_{count}");
        }
        let before = self.nodes.last().map_or(INPUT, |node| node.name.as_str()).to_owned();
        self.nodes.push(Node { name: unique, inputs: vec![before], op: block.op, operands: block.operands });
        self.channels = block.channels;
        Ok(())
    }
}

/// A layer's trained arrays, which had fields of their own once.
fn weights<'a>(options: Options<'a>, path: &str) -> Vec<Weight<'a>> {
    match options.get("weights") {
        Some(Value::Cell(cell)) => {
            let number = |index: usize| format!("{path}.weights{{{}}}", index.saturating_add(1));
            cell.items.iter().enumerate().map(|(index, value)| (number(index), value)).collect()
        }
        _ => {
            let old = |field: &str| Some((format!("{path}.{field}"), options.get(field)?));
            ["filters", "biases"].into_iter().filter_map(old).collect()
        }
    }
}

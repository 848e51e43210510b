use super::block::{self, Block, Weight};
use super::meta::Meta;
use super::options::{Options, whole};
use super::{Described, Root};
use crate::mat::{Struct, Value};
use crate::shown::shown;
use crate::{Error, Result};
use alexnet_spec::graph::{Node, NodeOp};
use alexnet_spec::layers::Softmax;
use alexnet_spec::{Graph, Tensor};
use std::collections::{HashMap, HashSet};

/// A layer as the file has it: what it is called, what class its block is of, and which variables and parameters it names.
struct Layer<'a> {
    name: String,
    class: &'a str,
    options: Options<'a>,
    inputs: Vec<&'a str>,
    outputs: Vec<&'a str>,
    params: Vec<&'a str>,
}

/// An array of layers that read and write variables.
pub(super) fn read(root: Root, layers: &Struct) -> Result<Described> {
    let meta = Meta::read(root)?;
    let params = params(root)?;
    let mut kept = Vec::new();
    for index in 0..layers.records.len() {
        let layer = layer(layers, index)
            .map_err(|error| error.at(format!("{}({})", root.path("layers"), index.saturating_add(1))))?;
        // What training measures is no part of the network.
        if !matches!(layer.class, "dagnn.Loss" | "dagnn.SoftMaxLoss") {
            kept.push(layer);
        }
    }
    let image = image(&kept)?;
    let layers = in_order(kept, image)?;
    let mut values: HashMap<&str, (String, Option<usize>)> = HashMap::new();
    let mut input_name = image.to_owned();
    while layers.iter().any(|layer| layer.name == input_name) {
        input_name.push('_');
    }
    values.insert(image, (input_name.clone(), meta.channels()));

    let (mut nodes, mut tensors): (Vec<Node>, Vec<(String, Tensor)>) = (Vec::new(), Vec::new());
    let mut classes = None;
    for layer in &layers {
        let place = |error: Error| error.at(format!("layer `{}`", shown(layer.name.as_bytes())));
        let inputs: Vec<(String, Option<usize>)> =
            layer.inputs.iter().filter_map(|input| values.get(input).cloned()).collect();
        let block = block(layer, &params, &inputs).map_err(place)?;
        for operand in &block.operands {
            for (source, tensor) in operand.sources.iter().zip(&operand.tensors) {
                if !tensors.iter().any(|(known, _)| known == source) {
                    tensors.push((source.clone(), tensor.clone()));
                }
            }
        }
        if let Some(output) = layer.outputs.first() {
            values.insert(output, (layer.name.clone(), block.channels));
        }
        classes = block.channels;
        nodes.push(Node {
            name: layer.name.clone(),
            inputs: inputs.into_iter().map(|(name, _)| name).collect(),
            op: block.op,
            operands: block.operands,
        });
    }
    let mut notes = Vec::new();
    let graph = Graph {
        dialect: "matconvnet",
        name: None,
        input_name,
        input: meta.input(),
        preprocessing: meta.preprocessing(&mut notes)?,
        labels: meta.labels(classes, &mut notes)?,
        nodes,
        notes,
    };
    Ok(Described { graph, tensors })
}

fn layer<'a>(layers: &'a Struct, index: usize) -> Result<Layer<'a>> {
    let text = |field: &str| {
        let value = layers.field(index, field).and_then(Value::text).filter(|text| !text.is_empty());
        value.ok_or_else(|| Error::refused(format!("there is no `{field}`")))
    };
    let names = |field: &str| layers.field(index, field).map_or(Ok(Vec::new()), |value| names(field, value));
    let block = layers.field(index, "block").ok_or_else(|| Error::refused("there is no `block`"))?;
    Ok(Layer {
        name: text("name")?.to_owned(),
        class: text("type")?,
        options: Options(block),
        inputs: names("inputs")?,
        outputs: names("outputs")?,
        params: names("params")?,
    })
}

/// The names in a cell array; a single one may stand alone.
fn names<'a>(field: &str, value: &'a Value) -> Result<Vec<&'a str>> {
    let wrong = |value: &Value| Error::refused(format!("`{field}` has {} among its names", value.describe()));
    match value {
        value if value.is_empty() => Ok(Vec::new()),
        Value::Cell(cell) => cell.items.iter().map(|item| item.text().ok_or_else(|| wrong(item))).collect(),
        value => Ok(vec![value.text().ok_or_else(|| wrong(value))?]),
    }
}

/// The parameters' values by name.
fn params<'a>(root: Root<'a>) -> Result<HashMap<&'a str, &'a Value>> {
    let mut params = HashMap::new();
    let Some(Value::Struct(array)) = root.field("params") else { return Ok(params) };
    for index in 0..array.records.len() {
        let name = array.field(index, "name").and_then(Value::text);
        let (Some(name), Some(value)) = (name, array.field(index, "value")) else {
            let path = format!("{}({})", root.path("params"), index.saturating_add(1));
            return Err(Error::refused("there is no `name` or no `value`").at(path));
        };
        if params.insert(name, value).is_some() {
            return Err(Error::refused(format!("parameter `{}` is there twice", shown(name.as_bytes()))));
        }
    }
    Ok(params)
}

/// The one variable that is read and that no layer writes.
fn image<'a>(layers: &[Layer<'a>]) -> Result<&'a str> {
    let mut written = HashSet::new();
    let mut names = HashSet::new();
    for layer in layers {
        if !names.insert(layer.name.as_str()) {
            return Err(Error::refused(format!("two layers are called `{}`", shown(layer.name.as_bytes()))));
        }
        for output in &layer.outputs {
            if !written.insert(*output) {
                return Err(Error::refused(format!("two layers write `{}`", shown(output.as_bytes()))));
            }
        }
    }
    let mut read: Vec<&str> = layers.iter().flat_map(|layer| layer.inputs.iter().copied()).collect();
    read.retain(|variable| !written.contains(variable));
    read.sort_unstable();
    read.dedup();
    match &read[..] {
        [image] => Ok(image),
        [] => Err(Error::refused("no layer reads an image: every variable is written by one")),
        several => {
            let names: Vec<String> = several.iter().map(|name| format!("`{}`", shown(name.as_bytes()))).collect();
            Err(Error::refused(format!("several inputs, not one image: {}", names.join(", "))))
        }
    }
}

/// The layers, each after those whose variables it reads.
fn in_order<'a>(layers: Vec<Layer<'a>>, image: &'a str) -> Result<Vec<Layer<'a>>> {
    let mut known = HashSet::from([image]);
    let (mut ordered, mut waiting) = (Vec::new(), layers);
    while !waiting.is_empty() {
        let before = waiting.len();
        let mut left = Vec::new();
        for layer in waiting {
            match layer.inputs.iter().all(|input| known.contains(input)) {
                true => {
                    known.extend(layer.outputs.iter().copied());
                    ordered.push(layer);
                }
                false => left.push(layer),
            }
        }
        waiting = left;
        if let Some(first) = waiting.first().filter(|_| waiting.len() == before) {
            let name = shown(first.name.as_bytes());
            return Err(Error::refused(format!("layer `{name}` waits for what it writes itself, through others")));
        }
    }
    Ok(ordered)
}

fn block(layer: &Layer, params: &HashMap<&str, &Value>, inputs: &[(String, Option<usize>)]) -> Result<Block> {
    let class = layer.class.strip_prefix("dagnn.").unwrap_or(layer.class);
    if class == "Concat" {
        return concatenation(layer.options, inputs);
    }
    let channels = match inputs {
        [(_, channels)] => *channels,
        several => return Err(Error::refused(format!("a `{}` of {} inputs", shown(class.as_bytes()), several.len()))),
    };
    match class {
        "Conv" => {
            let mut weights = weights(layer, params)?;
            if layer.options.number("hasBias", 1.0)? == 0.0 {
                weights.truncate(1);
            }
            block::convolution(layer.options, &weights, channels)
        }
        "BatchNorm" => block::batch_norm(layer.options, &weights(layer, params)?, channels),
        "ReLU" => block::relu(layer.options, channels),
        "LRN" => block::normalisation(layer.options, channels),
        "Pooling" => block::pooling(layer.options, "poolSize", channels),
        "DropOut" => block::dropout(layer.options, channels),
        "SoftMax" => Ok(Block { op: Softmax {}.into(), operands: Vec::new(), channels }),
        _ => {
            let class = shown(layer.class.as_bytes());
            Err(Error::refused(format!("a block of class `{class}`, which isn't converted")))
        }
    }
}

/// `vl_nnconcat` along MATLAB's third dimension, that of channels.
fn concatenation(options: Options, inputs: &[(String, Option<usize>)]) -> Result<Block> {
    match whole(options.number("dim", 3.0)?) {
        Some(3) => {
            let sum = inputs.iter().try_fold(0usize, |sum, (_, channels)| sum.checked_add((*channels)?));
            Ok(Block { op: NodeOp::Concat, operands: Vec::new(), channels: sum })
        }
        _ => Err(Error::refused("a concatenation of something else than channels")),
    }
}

fn weights<'a>(layer: &Layer, params: &HashMap<&str, &'a Value>) -> Result<Vec<Weight<'a>>> {
    let weight = |name: &&str| match params.get(*name) {
        Some(value) => Ok(((*name).to_owned(), *value)),
        None => Err(Error::refused(format!("there is no parameter `{}`", shown(name.as_bytes())))),
    };
    layer.params.iter().map(weight).collect()
}

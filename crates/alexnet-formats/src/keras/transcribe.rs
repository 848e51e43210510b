//! From a list of layers to a graph.

use super::flavour::Flavour;
use super::keras1::modernise;
use super::layers;
use super::model::{Layer, Model};
use super::saved::snake_case;
use super::stored::{Key, Stored};
use super::value::{Kind, Value};
use crate::shown::shown;
use crate::{Error, Result};
use alexnet_spec::graph::{Graph, Node, NodeOp, Operand};
use alexnet_spec::{Input, Mean, PixelRange, Preprocessing, Tensor, Transform};
use serde_json::Value as Json;
use std::collections::{HashMap, HashSet};

/// More channels than any image has.
const MOST_CHANNELS: usize = 1024;
/// The graph's name for the image.
const INPUT: &str = "(image)";

/// Transcribes a model whose weights are `stored`.
pub(super) fn graph(model: &Model, stored: &dyn Stored, flavour: Flavour) -> Result<Graph> {
    let channels_first = channels_first(model)?;
    let input = input(model, channels_first)?;
    let image = Value {
        node: INPUT.to_owned(),
        kind: Kind::Map,
        channels: input.as_ref().map(|input| input.channels),
        pads: [0; 4],
        positive: false,
    };
    let mut transcriber = Transcriber {
        stored,
        flavour: kernels(model, flavour),
        channels_first,
        nodes: Vec::new(),
        names: HashSet::new(),
        path: Vec::new(),
        takes_bytes: false,
    };
    let output = transcriber.model(model, vec![image])?;
    if output.is_padded() {
        return Err(Error::refused("the last layer adds zeros around a map"));
    }
    let notes = transcriber.flavour.notes.clone();
    let bounded = input.as_ref().filter(|input| transcriber.takes_bytes && input.channels <= MOST_CHANNELS);
    let preprocessing = bounded.map(|input| Preprocessing {
        range: PixelRange::Byte,
        mean: Mean::PerChannel(vec![0.0; input.channels]),
        std: vec![1.0; input.channels],
        ..Preprocessing::torchvision()
    });
    Ok(Graph {
        dialect: "keras",
        name: model.name.clone(),
        input_name: INPUT.to_owned(),
        input,
        preprocessing,
        labels: None,
        nodes: transcriber.nodes,
        notes,
    })
}

/// How the kernels of this file's convolutions become ours.
pub(super) struct Kernels {
    /// By true convolution: kernels are turned.
    pub convolves: bool,
    /// Kernels in the order of Keras 1's `th`: OIHW already.
    pub oihw: bool,
    /// What was assumed.
    notes: Vec<String>,
}

fn kernels(model: &Model, flavour: Flavour) -> Kernels {
    let mut layers = vec![model];
    let (mut old, mut th) = (false, false);
    while let Some(model) = layers.pop() {
        layers.extend(model.layers.iter().filter_map(|layer| layer.inner.as_ref()));
        old |= model.layers.iter().any(|layer| layer.config.contains_key("nb_filter"));
        th |= model.layers.iter().any(|layer| layer.config.get("dim_ordering").and_then(Json::as_str) == Some("th"));
    }
    let oihw = th && flavour.is_keras_1().unwrap_or(old);
    let mut notes = Vec::new();
    let convolves = flavour.convolves().unwrap_or_else(|| {
        // Of Keras 1 there are files of either backend in either order; most are of the backend's own.
        if old && th {
            notes.push(
                "the file doesn't say its backend: taken for Theano's by the order of its axes, so kernels are turned"
                    .to_owned(),
            );
        } else if old {
            notes.push("the file doesn't say its backend: taken for TensorFlow's by the order of its axes".to_owned());
        }
        old && th
    });
    if let (Some(true), Some(backend)) = (flavour.convolves(), &flavour.backend) {
        notes.push(format!(
            "the backend was {}, whose convolution turns kernels by 180 degrees",
            shown(backend.as_bytes())
        ));
    }
    Kernels { convolves, oihw, notes }
}

/// Whether maps are channel, height, width: as all layers that care say.
fn channels_first(model: &Model) -> Result<bool> {
    let mut said: Option<bool> = None;
    let mut open = vec![model];
    while let Some(model) = open.pop() {
        open.extend(model.layers.iter().filter_map(|layer| layer.inner.as_ref()));
        for layer in model.layers.iter().map(modernise).filter(|layer| !layer.class.starts_with("Flatten")) {
            let order = match layer.setting("data_format").and_then(Json::as_str) {
                Some("channels_first") => true,
                Some("channels_last") => false,
                _ => continue,
            };
            if said.is_some_and(|said| said != order) {
                return Err(
                    Error::refused("some layers have the channels first and some last").with_remedy(super::BY_NAMES)
                );
            }
            said = Some(order);
        }
    }
    Ok(said.unwrap_or(false))
}

/// The shape of the image, where the model fixes it.
fn input(model: &Model, channels_first: bool) -> Result<Option<Input>> {
    let name = match model.inputs.as_slice() {
        [name] => name,
        inputs => return Err(Error::refused(format!("a model with {} inputs", inputs.len()))),
    };
    let Some(layer) = model.layers.iter().find(|layer| layer.name == *name) else {
        return Err(Error::malformed(format!("there is no layer `{}`, the input", shown(name.as_bytes()))));
    };
    let shape = layer.setting("batch_shape").or_else(|| layer.setting("batch_input_shape")).and_then(Json::as_array);
    let sizes: Option<Vec<usize>> = shape
        .map(|shape| {
            shape.iter().skip(1).map(|size| size.as_u64().and_then(|size| usize::try_from(size).ok())).collect()
        })
        .unwrap_or_default();
    Ok(match (sizes.as_deref(), channels_first) {
        (Some(&[channels, height, width]), true) | (Some(&[height, width, channels]), false) => {
            Some(Input { channels, height, width })
        }
        _ => None,
    })
}

/// The nodes so far, and where the layers that follow stand.
pub(super) struct Transcriber<'a> {
    stored: &'a dyn Stored,
    pub flavour: Kernels,
    pub channels_first: bool,
    nodes: Vec<Node>,
    names: HashSet<String>,
    /// The models that the layer is in, and the layer.
    path: Vec<Key>,
    /// Whether a layer shows that pixels come in from 0 to 255.
    pub takes_bytes: bool,
}

impl Transcriber<'_> {
    /// A model that reads `image`; the value of its only output.
    fn model(&mut self, model: &Model, inputs: Vec<Value>) -> Result<Value> {
        let output = match model.outputs.as_slice() {
            [output] => output,
            outputs => return Err(Error::refused(format!("a model with {} outputs", outputs.len()))),
        };
        if inputs.len() != model.inputs.len() {
            return Err(Error::malformed(format!("{} values for {} inputs", inputs.len(), model.inputs.len())));
        }
        let mut values: HashMap<&str, Vec<Value>> = HashMap::new();
        for (name, value) in model.inputs.iter().zip(inputs) {
            values.insert(name, vec![value]);
        }
        let mut left: Vec<(&Layer, Key)> =
            keys(model).into_iter().filter(|(l, _)| !values.contains_key(&*l.name)).collect();
        // Layers come after those that they read, but nothing says that they must.
        while !left.is_empty() {
            let before = left.len();
            let mut waiting = Vec::new();
            for (layer, key) in left {
                let read = |input: &super::model::Reference| values.get(&*input.layer)?.get(input.output).cloned();
                match layer.inputs.iter().map(read).collect::<Option<Vec<_>>>() {
                    Some(inputs) => {
                        self.path.push(key);
                        let made = self.layer(layer, inputs);
                        self.path.pop();
                        let made =
                            made.map_err(|error| error.at(format!("layer `{}`", shown(layer.name.as_bytes()))))?;
                        if values.insert(&layer.name, made).is_some() {
                            let name = shown(layer.name.as_bytes());
                            return Err(Error::malformed(format!("two layers are called `{name}`")));
                        }
                    }
                    None => waiting.push((layer, key)),
                }
            }
            left = waiting;
            if left.len() == before {
                let name = left.first().map(|(layer, _)| shown(layer.name.as_bytes())).unwrap_or_default();
                return Err(Error::malformed(format!("layer `{name}` reads a layer that isn't there, or itself")));
            }
        }
        let made = values.get(&*output.layer).and_then(|values| values.get(output.output)).cloned();
        made.ok_or_else(|| {
            Error::malformed(format!("there is no layer `{}`, the output", shown(output.layer.as_bytes())))
        })
    }

    fn layer(&mut self, layer: &Layer, inputs: Vec<Value>) -> Result<Vec<Value>> {
        if let Some(inner) = &layer.inner {
            return Ok(vec![self.model(inner, inputs)?]);
        }
        layers::transcribe(self, &modernise(layer), inputs)
    }

    /// Whether a value is the image as it comes in.
    pub fn is_image(&self, value: &Value) -> bool {
        value.node == INPUT
    }

    /// The tensors of the layer at hand, of which there must be `count`.
    pub fn weights(&self, count: usize) -> Result<Vec<(String, Tensor)>> {
        let weights = self.stored.weights(&self.path)?;
        match weights.len() == count {
            true => Ok(weights),
            false => Err(Error::malformed(format!("{} tensors where the layer has {count}", weights.len()))
                .with_remedy("the file that model.save wrote, weights and all")),
        }
    }

    /// A node called as the layer at hand, with `suffix` where the layer makes several.
    pub fn node(
        &mut self,
        suffix: &str,
        inputs: &[&Value],
        op: impl Into<NodeOp>,
        operands: Vec<Operand>,
    ) -> Result<String> {
        if let Some(padded) = inputs.iter().find(|value| value.is_padded()) {
            return Err(Error::refused(format!(
                "reads zeros of {:?} around a map, which only convolutions and pools can",
                padded.pads
            ))
            .with_remedy(super::BY_NAMES));
        }
        self.unpadded_node(suffix, inputs, op.into(), operands)
    }

    /// The same where the op has seen to the padding.
    pub fn unpadded_node(
        &mut self,
        suffix: &str,
        inputs: &[&Value],
        op: NodeOp,
        operands: Vec<Operand>,
    ) -> Result<String> {
        let name = self.path.iter().map(|key| key.name.as_str()).collect::<Vec<_>>().join("/") + suffix;
        if !self.names.insert(name.clone()) {
            return Err(Error::malformed(format!("two nodes are called `{}`", shown(name.as_bytes()))));
        }
        let inputs = inputs.iter().map(|value| value.node.clone()).collect();
        self.nodes.push(Node { name: name.clone(), inputs, op, operands });
        Ok(name)
    }

    /// The operand that `role` has, from one of the weights.
    pub fn operand(role: &'static str, (name, tensor): (String, Tensor), transform: Transform) -> Operand {
        Operand::new(role, name, tensor, transform)
    }
}

/// The layers of a model with their keys.
fn keys(model: &Model) -> Vec<(&Layer, Key)> {
    let mut used: HashMap<String, usize> = HashMap::new();
    let key = |layer| {
        let Layer { name, class, .. }: &Layer = layer;
        let class = snake_case(class);
        let before = used.entry(class.clone()).or_insert(0);
        let saved = if *before == 0 { class } else { format!("{class}_{before}") };
        *before = before.saturating_add(1);
        (layer, Key { name: name.clone(), saved })
    };
    model.layers.iter().map(key).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    struct Nothing;

    impl Stored for Nothing {
        fn weights(&self, _: &[Key]) -> Result<Vec<(String, Tensor)>> {
            Ok(Vec::new())
        }
    }

    /// The pixels that a model of a Rescaling and nothing else takes.
    fn range(scale: f64) -> Option<PixelRange> {
        let layers = json!([
            {"class_name": "InputLayer", "config": {"name": "image", "batch_shape": [null, 2, 2, 3]}},
            {"class_name": "Rescaling", "config": {"name": "rescaling", "scale": scale, "offset": 0.0}},
        ]);
        let model = Model::parse(&json!({"class_name": "Sequential", "config": {"layers": layers}})).unwrap();
        graph(&model, &Nothing, Flavour::default()).unwrap().preprocessing.map(|contract| contract.range)
    }

    #[test]
    fn pixels_that_a_model_divides_by_255_itself_come_in_as_bytes() {
        assert_eq!(range(1.0 / 255.0), Some(PixelRange::Byte));
        assert_eq!(range(2.0), None);
    }
}

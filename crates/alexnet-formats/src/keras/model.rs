use crate::shown::shown;
use crate::{Error, Result};
use serde_json::{Map, Value as Json};

/// A configuration as a list of layers, each with those that it reads.
#[derive(Clone, Debug)]
pub(super) struct Model {
    pub name: Option<String>,
    /// In the file's order, by which Keras 3 names their weights.
    pub layers: Vec<Layer>,
    /// The layers that are fed from outside.
    pub inputs: Vec<String>,
    pub outputs: Vec<Reference>,
}

/// One layer of a model.
#[derive(Clone, Debug)]
pub(super) struct Layer {
    /// What its user called it.
    pub name: String,
    pub class: String,
    pub config: Map<String, Json>,
    pub inputs: Vec<Reference>,
    /// What it is called with besides its inputs: for functions of TensorFlow and Keras that are layers.
    pub arguments: Json,
    /// The layers of a model within the model.
    pub inner: Option<Model>,
}

/// One of the outputs of a layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Reference {
    pub layer: String,
    pub output: usize,
}

/// Models within models; AlexNets need one level, for a base model under a new head.
const DEPTH: usize = 8;
/// More layers than any network of the family has.
const LAYERS: usize = 4096;

impl Model {
    /// Reads `{"class_name": ..., "config": ...}`.
    pub fn parse(json: &Json) -> Result<Model> {
        parse(text(json, "class_name"), json.get("config").unwrap_or(&Json::Null), 0)
    }
}

/// Whether a class is a model of other layers.
pub(super) fn is_model(class: &str) -> bool {
    matches!(class, "Sequential" | "Functional" | "Model")
}

fn parse(class: Option<&str>, config: &Json, depth: usize) -> Result<Model> {
    if depth > DEPTH {
        return Err(Error::refused(format!("models within models, more than {DEPTH} deep")));
    }
    let class = class.unwrap_or_default();
    // Keras 1 has the layers of a Sequential right there.
    let list = config.get("layers").unwrap_or(config).as_array();
    let list = match list {
        Some(list) if is_model(class) => list,
        _ => {
            return Err(Error::refused(format!(
                "a model of class `{}`, whose layers are code",
                shown(class.as_bytes())
            ))
            .with_remedy(super::BY_NAMES));
        }
    };
    if list.len() > LAYERS {
        return Err(Error::refused(format!("a model of {} layers", list.len())));
    }
    let mut layers = Vec::with_capacity(list.len());
    for (index, json) in list.iter().enumerate() {
        let place = || match text(json, "name").or_else(|| text(json.get("config")?, "name")) {
            Some(name) => format!("layer `{}`", shown(name.as_bytes())),
            None => format!("layer {index}"),
        };
        layers.push(layer(json, depth).map_err(|error| error.at(place()))?);
    }
    let mut model = Model { name: text(config, "name").map(str::to_owned), layers, inputs: vec![], outputs: vec![] };
    match class {
        "Sequential" => model.chain(),
        _ => {
            let inputs = references(config.get("input_layers").unwrap_or(&Json::Null));
            model.inputs = inputs.into_iter().map(|input| input.layer).collect();
            model.outputs = references(config.get("output_layers").unwrap_or(&Json::Null));
        }
    }
    Ok(model)
}

impl Model {
    /// Each layer reads the one before it; the first is the input, if it has to be made up.
    fn chain(&mut self) {
        if self.layers.first().is_some_and(|first| first.class != "InputLayer") {
            let mut config = Map::new();
            let first = self.layers.first().map(|first| &first.config);
            for key in ["batch_shape", "batch_input_shape"] {
                if let Some(shape) = first.and_then(|config| config.get(key)) {
                    config.insert("batch_shape".to_owned(), shape.clone());
                }
            }
            // A name that no layer of Python code can have.
            self.layers.insert(
                0,
                Layer {
                    name: "(input)".to_owned(),
                    class: "InputLayer".to_owned(),
                    config,
                    inputs: Vec::new(),
                    arguments: Json::Null,
                    inner: None,
                },
            );
        }
        let names: Vec<String> = self.layers.iter().map(|layer| layer.name.clone()).collect();
        for (layer, before) in self.layers.iter_mut().skip(1).zip(&names) {
            layer.inputs = vec![Reference { layer: before.clone(), output: 0 }];
        }
        self.inputs = names.first().cloned().into_iter().collect();
        self.outputs = names.last().map(|last| Reference { layer: last.clone(), output: 0 }).into_iter().collect();
    }
}

fn layer(json: &Json, depth: usize) -> Result<Layer> {
    let class = text(json, "class_name").ok_or_else(|| Error::malformed("has no `class_name`"))?;
    let config = json.get("config").unwrap_or(&Json::Null);
    let inner = match is_model(class) {
        true => {
            let depth = depth.saturating_add(1);
            Some(parse(Some(class), config, depth)?)
        }
        false => None,
    };
    let name = text(json, "name").or_else(|| text(config, "name"));
    let name = name.ok_or_else(|| Error::malformed("has no `name`"))?.to_owned();
    let (inputs, arguments) = calls(json.get("inbound_nodes").unwrap_or(&Json::Null))?;
    let config = config.as_object().cloned().unwrap_or_default();
    Ok(Layer { name, class: class.to_owned(), config, inputs, arguments, inner })
}

/// What a layer of a functional model is called with: of Keras 1 and 2 `[[["conv", 0, 0, {...}], ...]]`, of Keras 3
/// `[{"args": [...], "kwargs": {...}}]`.
fn calls(nodes: &Json) -> Result<(Vec<Reference>, Json)> {
    let nodes = nodes.as_array().map(Vec::as_slice).unwrap_or_default();
    let call = match nodes {
        [] => return Ok((Vec::new(), Json::Null)),
        [call] => call,
        _ => return Err(Error::refused(format!("is used {} times, with the same weights", nodes.len()))),
    };
    if let Some(args) = call.get("args") {
        let mut inputs = Vec::new();
        tensors(args, &mut inputs);
        tensors(call.get("kwargs").unwrap_or(&Json::Null), &mut inputs);
        return Ok((inputs, call.clone()));
    }
    // A single call with a single input is not always in a list of its own.
    let list = call.as_array().filter(|list| list.first().is_some_and(Json::is_array));
    let inputs = list.map_or_else(|| std::slice::from_ref(call), Vec::as_slice);
    let arguments = inputs.first().and_then(|input| input.get(3)).cloned().unwrap_or(Json::Null);
    let read = inputs.iter().map(|input| {
        reference(input).ok_or_else(|| Error::malformed(format!("reads `{}`", shown(input.to_string().as_bytes()))))
    });
    Ok((read.collect::<Result<_>>()?, arguments))
}

/// The tensors among the arguments of a call in Keras 3, in order. Arguments are a list, or a list in it.
fn tensors(arguments: &Json, found: &mut Vec<Reference>) {
    let mut open = vec![arguments];
    while let Some(json) = open.pop() {
        if text(json, "class_name") == Some("__keras_tensor__") {
            found.extend(json.get("config").and_then(|config| config.get("keras_history")).and_then(reference));
        } else if let Some(list) = json.as_array() {
            open.extend(list.iter().rev());
        } else if let Some(map) = json.as_object() {
            open.extend(map.values());
        }
    }
}

/// `["conv", 0, 1]`: output 1 of layer `conv`. The number between counts calls, of which there is one.
fn reference(json: &Json) -> Option<Reference> {
    let output = json.get(2).and_then(Json::as_u64).unwrap_or(0);
    Some(Reference { layer: json.get(0)?.as_str()?.to_owned(), output: usize::try_from(output).ok()? })
}

/// A list of references; Keras 3 has a single one without the list.
fn references(json: &Json) -> Vec<Reference> {
    match reference(json) {
        Some(one) => vec![one],
        None => json.as_array().map(Vec::as_slice).unwrap_or_default().iter().filter_map(reference).collect(),
    }
}

fn text<'a>(json: &'a Json, key: &str) -> Option<&'a str> {
    json.get(key).and_then(Json::as_str)
}

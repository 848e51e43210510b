use super::layer::{Layer, to_number};
use crate::pickle::{Heap, Object, Value};
use crate::shown::shown;
use crate::{Error, Result};
use std::collections::HashMap;

/// Which program wrote a model: they leave different things unsaid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Program {
    /// A list of layers and nothing else: what DeCAF distributes.
    BareList,
    /// The public cuda-convnet of 2011 and its forks.
    Public,
    /// The program of the paper.
    Of2012,
    /// cuda-convnet2 of 2014.
    Second,
}

/// The layers of a checkpoint.
#[derive(Debug)]
pub(crate) struct Model<'h> {
    pub program: Program,
    pub layers: Vec<Layer<'h>>,
    /// The epoch and batch that training had come to.
    pub progress: Option<(i64, i64)>,
}

impl<'h> Model<'h> {
    /// Whether what the pickle made looks like a checkpoint with layers.
    pub fn recognises(heap: &Heap, root: Value) -> bool {
        let Some((layers, _)) = find(heap, root) else { return false };
        let first = match heap.get(layers) {
            Some(Object::Dict(pairs)) => pairs.first().map(|(_, layer)| *layer),
            _ => heap.sequence(layers).and_then(|items| items.first().copied()),
        };
        first.is_some_and(|layer| ["name", "type"].iter().all(|key| heap.lookup(layer, key).is_some()))
    }

    /// The layers of a checkpoint.
    ///
    /// Errs where they contradict each other: two of one name, inputs that aren't there.
    pub fn read(heap: &'h Heap, root: Value) -> Result<Model<'h>> {
        let (layers, state) = find(heap, root).ok_or_else(|| Error::malformed("a checkpoint without layers"))?;
        let (layers, by_name) = match heap.dict(layers) {
            Some(pairs) => (pairs.iter().map(|(key, layer)| (Some(*key), *layer)).collect(), true),
            None => (list(heap, layers), false),
        };
        let program = match (state, by_name) {
            (None, _) => Program::BareList,
            (Some(_), false) => Program::Public,
            (Some(_), true) => Program::Of2012,
        };
        let mut model = Model { program, layers: Vec::new(), progress: state.and_then(|state| progress(heap, state)) };
        let mut by_name = HashMap::new();
        for (position, (key, dict)) in layers.into_iter().enumerate() {
            let layer = Layer::new(heap, dict).map_err(|error| error.at(format!("layer {position}")))?;
            let layer = layer.ok_or_else(|| {
                Error::malformed(format!("layer {position} is {}, without name or type", heap.describe(dict)))
            })?;
            if key.is_some_and(|key| heap.str(key) != Some(layer.name.as_str())) {
                return Err(Error::malformed("is kept under another name").at(layer.place()));
            }
            if by_name.insert(layer.name.clone(), position).is_some() {
                return Err(Error::malformed("is there twice").at(layer.place()));
            }
            model.layers.push(layer);
        }
        model.connect(&by_name)?;
        if program == Program::Of2012 && model.layers.iter().any(|layer| layer.has("numReplicas")) {
            model.program = Program::Second;
        }
        Ok(model)
    }

    /// Finds every layer's inputs.
    fn connect(&mut self, by_name: &HashMap<String, usize>) -> Result<()> {
        let count = self.layers.len();
        for layer in &mut self.layers {
            if layer.kind == "data" {
                continue;
            }
            let find = |input: &Value| {
                let position = match (input, layer.heap().str(*input)) {
                    (_, Some(name)) => by_name.get(name).copied(),
                    (Value::Int(position), None) => {
                        usize::try_from(*position).ok().filter(|position| *position < count)
                    }
                    _ => None,
                };
                position.ok_or_else(|| {
                    let input = match (input, layer.heap().str(*input)) {
                        (_, Some(name)) => format!("`{}`", shown(name.as_bytes())),
                        (Value::Int(position), _) => format!("layer {position}"),
                        _ => layer.heap().describe(*input),
                    };
                    Error::malformed(format!("reads {input}, which isn't among the {count} layers")).at(layer.place())
                })
            };
            let inputs = layer.list("inputs").map_err(|error| error.at(layer.place()))?;
            layer.inputs = inputs.iter().map(find).collect::<Result<_>>()?;
        }
        Ok(())
    }
}

/// The layers and the state that they lie in; a bare list lies in none.
fn find(heap: &Heap, root: Value) -> Option<(Value, Option<Value>)> {
    match heap.get(root)? {
        Object::List(_) => Some((root, None)),
        _ => {
            let state = heap.lookup(root, "model_state")?;
            let layers = heap.lookup(state, "layers")?;
            matches!(heap.get(layers), Some(Object::List(_) | Object::Dict(_))).then_some((layers, Some(state)))
        }
    }
}

fn list(heap: &Heap, layers: Value) -> Vec<(Option<Value>, Value)> {
    heap.sequence(layers).unwrap_or_default().iter().map(|layer| (None, *layer)).collect()
}

fn progress(heap: &Heap, state: Value) -> Option<(i64, i64)> {
    let number = |key| to_number(heap, heap.lookup(state, key)?).map(|number| number as i64);
    Some((number("epoch")?, number("batchnum")?))
}

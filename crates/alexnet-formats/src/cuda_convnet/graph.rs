use super::builder::{Builder, Extent, Output};
use super::layer::Layer;
use super::model::{Model, Program};
use super::order::order;
use super::{conv, fc, norm, pointwise, pool};
use crate::formats::Storages;
use crate::pickle::Heap;
use crate::shown::shown;
use crate::{Error, Result};
use alexnet_spec::graph::NodeOp;
use alexnet_spec::{Graph, Input, Labels, Op, Preprocessing, Tensor};

/// A model's graph, and its tensors by name.
pub(crate) struct Described {
    pub graph: Graph,
    pub tensors: Vec<(String, Tensor)>,
}

/// Transcribes a model, from a file of `file_bytes`.
///
/// Errs where a layer isn't converted, contradicts its inputs or its weights, or layers share weights without end.
pub(crate) fn describe(
    heap: &Heap,
    model: &Model<'_>,
    storages: &mut Storages,
    file_bytes: usize,
) -> Result<Described> {
    let order = order(&model.layers)?;
    let mut builder = Builder::new(heap, storages, &model.layers, file_bytes);
    for position in order {
        let Some(layer) = model.layers.get(position) else { continue };
        let output = emit(&mut builder, layer).map_err(|error| error.at(layer.place()))?;
        builder.finish(position, output);
    }
    let Builder { nodes, image, tensors, .. } = builder;
    let (input_name, input) = image.ok_or_else(|| Error::refused("no layer reads an image"))?;
    let classes = nodes.iter().rev().find_map(|node| match &node.op {
        NodeOp::Layer(Op::Linear(linear)) => Some(linear.out),
        _ => None,
    });
    let graph = Graph {
        dialect: "cuda-convnet",
        name: None,
        input_name,
        preprocessing: preprocessing(model.program, &input),
        labels: labels(model.program, classes),
        input: Some(input),
        nodes,
        notes: notes(model),
    };
    Ok(Described { graph, tensors })
}

/// The nodes of one layer.
fn emit(builder: &mut Builder<'_>, layer: &Layer<'_>) -> Result<Output> {
    let output = match layer.kind {
        "data" => Ok(Output { node: layer.name.clone(), extent: Extent::Data(layer.count("outputs")?) }),
        "conv" => conv::conv(builder, layer),
        "fc" => fc::fc(builder, layer),
        "neuron" => pointwise::neuron(builder, layer),
        "pool" => pool::pool(builder, layer),
        "cmrnorm" => norm::across(builder, layer),
        "rnorm" => norm::within(builder, layer),
        "hs" | "dropout2" => pointwise::scaled_dropout(builder, layer),
        "dropout" => pointwise::dropout(builder, layer),
        "softmax" => pointwise::softmax(builder, layer),
        "concat" | "pass" => pointwise::concat(builder, layer),
        other => {
            let other = shown(other.as_bytes());
            Err(Error::refused(format!("of type `{other}`, which isn't converted: no AlexNet known here has one")))
        }
    }?;
    pointwise::dropout_within(builder, layer, output)
}

/// What the programs' data providers do for ImageNet; nothing is known of other data.
fn preprocessing(program: Program, input: &Input) -> Option<Preprocessing> {
    if input.channels != 3 || !(200..=256).contains(&input.height) {
        return None;
    }
    Some(Preprocessing { flip_vertical: program == Program::BareList, ..Preprocessing::krizhevsky() })
}

/// cuda-convnet2 comes with a script that numbers classes as the development kit does (`make-data.py`). The others number
/// them as their data's `batches.meta` does.
fn labels(program: Program, classes: Option<usize>) -> Option<Labels> {
    match (program, classes) {
        (Program::Second, Some(1000)) => Some(Labels::Devkit),
        _ => Some(Labels::Unknown),
    }
}

fn notes(model: &Model<'_>) -> Vec<String> {
    let program = match model.program {
        Program::BareList => "a list of cuda-convnet's layers alone",
        Program::Public => "the layers of cuda-convnet (2011)",
        Program::Of2012 => "the layers of the 2012 program",
        Program::Second => "the layers of cuda-convnet2",
    };
    let mut notes = vec![match model.progress {
        Some((epoch, batch)) => format!("{program}, after epoch {epoch}, batch {batch}"),
        None => program.to_owned(),
    }];
    if model.program == Program::BareList {
        let guess = "guessed: as DeCAF's network, which is distributed so, it takes images upside down";
        notes.push(guess.to_owned());
    }
    let mean = "the training images' mean and the classes' names lie in the data's batches.meta, for --mean";
    notes.push(mean.to_owned());
    notes
}

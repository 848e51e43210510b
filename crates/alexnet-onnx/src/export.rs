//! From a network to a graph: everything but the parameters' bytes.

use crate::graph::{Extents, Graph, Site};
use crate::nodes::exporter;
use crate::proto::{GraphProto, ModelProto, OperatorSetIdProto, StringStringEntryProto};
use crate::quantize::{Stored, roundings};
use crate::{Batch, Error, ExportOptions, Result, opset};
use alexnet_spec::{Metadata, Network, Parameter};

/// The name of a graph's input.
pub(crate) const INPUT: &str = "input";

/// The model without its parameters and what is computed from them, and the parameters in the order in which they belong
/// into it, each with what it is in the file.
pub(crate) fn model(
    network: &Network,
    metadata: &Metadata,
    options: &ExportOptions,
) -> Result<(ModelProto, Vec<(Parameter, Stored)>)> {
    opset::check(options)?;
    if options.batch == Batch::Fixed(0) {
        return Err(Error::Options("a batch of 0 examples: try --batch 1, or --batch dynamic".into()));
    }
    let network = if options.softmax { network.clone().with_softmax() } else { network.clone() };
    let steps = network.trace()?;
    let mut graph = Graph::new(options);
    let mut outputs = Vec::new();
    let input = &network.input;
    let input = vec![input.channels, input.height, input.width];
    let (mut rounding, mut after) = roundings(&steps, options)?;
    let mut tensor = INPUT.to_owned();
    if let Some(rounding) = &rounding {
        tensor = rounding.emit(INPUT, input.clone(), &mut graph);
    }
    for ((index, step), next) in steps.iter().enumerate().zip(&mut after) {
        let last = index + 1 == steps.len();
        let emit = exporter(&step.layer.op)?;
        if emit.is_identity(step) && !last && !options.taps {
            continue;
        }
        let output = if last { network.output_name() } else { &step.layer.name };
        let rounded = rounding.as_ref().map(|rounding| rounding.affine);
        emit.emit(&Site { step, input: &tensor, output, rounded }, &mut graph);
        if last || options.taps {
            outputs.push(graph.value(output, options.arithmetic(), &step.output.dims().into()));
        }
        rounding = next.take();
        tensor = match &rounding {
            Some(rounding) => rounding.emit(output, step.output.dims(), &mut graph),
            None => output.to_owned(),
        };
    }
    let input = graph.value(INPUT, options.arithmetic(), &Extents::from(input));
    // A graph's outputs are described among its outputs alone.
    let Graph { nodes, mut values, constants, parameters, .. } = graph;
    values.retain(|value| outputs.iter().all(|output| output.name != value.name));
    let graph = GraphProto {
        name: Some(network.name.clone()),
        node: nodes,
        input: vec![input],
        output: outputs,
        value_info: values,
        initializer: constants,
        ..Default::default()
    };
    let model = ModelProto {
        ir_version: Some(opset::ir_version(options.opset)),
        opset_import: vec![OperatorSetIdProto { domain: Some(String::new()), version: Some(options.opset) }],
        producer_name: Some(env!("CARGO_PKG_NAME").into()),
        producer_version: Some(env!("CARGO_PKG_VERSION").into()),
        doc_string: Some(network.description.clone()),
        metadata_props: properties(metadata),
        graph: Some(graph),
        ..Default::default()
    };
    Ok((model, parameters))
}

/// The metadata as a model's properties.
pub(crate) fn properties(metadata: &Metadata) -> Vec<StringStringEntryProto> {
    let entry = |(key, value): (&String, &String)| StringStringEntryProto {
        key: Some(key.clone()),
        value: Some(value.clone()),
    };
    metadata.0.iter().map(entry).collect()
}

//! From a network to a graph: everything but the parameters' bytes.

use crate::graph::{Extents, Graph, Site};
use crate::nodes::exporter;
use crate::proto::{GraphProto, ModelProto, OperatorSetIdProto, StringStringEntryProto};
use crate::{Batch, Error, ExportOptions, Result, opset};
use alexnet_spec::{Metadata, Network, Parameter};

/// The name of a graph's input.
pub(crate) const INPUT: &str = "input";

/// The model without its parameters, and the parameters in the order in which they belong into it.
pub(crate) fn model(
    network: &Network,
    metadata: &Metadata,
    options: &ExportOptions,
) -> Result<(ModelProto, Vec<Parameter>)> {
    opset::check(options)?;
    if options.batch == Batch::Fixed(0) {
        return Err(Error::Options("a batch of 0 examples: try --batch 1, or --batch dynamic".into()));
    }
    let network = if options.softmax { network.clone().with_softmax() } else { network.clone() };
    let steps = network.trace()?;
    let mut graph = Graph::new(options);
    let mut outputs = Vec::new();
    let mut tensor = INPUT.to_owned();
    for (index, step) in steps.iter().enumerate() {
        let last = index + 1 == steps.len();
        let emit = exporter(&step.layer.op)?;
        if emit.is_identity(step) && !last && !options.taps {
            continue;
        }
        let output = if last { network.output_name() } else { &step.layer.name };
        emit.emit(&Site { step, input: &tensor, output }, &mut graph);
        if last || options.taps {
            outputs.push(graph.value(output, options.dtype, &step.output.dims().into()));
        }
        tensor = output.to_owned();
    }
    graph.check_types()?;

    let input = &network.input;
    let input = Extents::from(vec![input.channels, input.height, input.width]);
    let input = graph.value(INPUT, options.dtype, &input);
    // A graph's outputs are described among its outputs alone.
    let Graph { nodes, mut values, constants, .. } = graph;
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
    let entry = |(key, value): (&String, &String)| StringStringEntryProto {
        key: Some(key.clone()),
        value: Some(value.clone()),
    };
    let model = ModelProto {
        ir_version: Some(opset::ir_version(options.opset)),
        opset_import: vec![OperatorSetIdProto { domain: Some(String::new()), version: Some(options.opset) }],
        producer_name: Some(env!("CARGO_PKG_NAME").into()),
        producer_version: Some(env!("CARGO_PKG_VERSION").into()),
        doc_string: Some(network.description.clone()),
        metadata_props: metadata.0.iter().map(entry).collect(),
        graph: Some(graph),
        ..Default::default()
    };
    Ok((model, steps.into_iter().flat_map(|step| step.parameters).collect()))
}

//! Says whether a model that was read back is the graph of a network.

use crate::graph::{scale_of, zero_of};
use crate::lower::infer;
use crate::proto::NodeProto;
use crate::quantize::Stored;
use crate::{Batch, Error, ExportOptions, Model, Result, Value, export, tensor};
use alexnet_spec::{DType, Network, Parameter};

/// Checks that `model` is what [`crate::write()`] makes of `network`: a cheap look at a file that was just written.
///
/// Nodes with all their attributes, inputs and outputs must be those of the network, every parameter must be there in its
/// shape and the graph's type, and nothing else. Then every value's shape is inferred from the operators' definitions,
/// by the code that lowers foreign graphs, and must be the shape that the network's layers have. Steps of quantised
/// activations must be those of the options; those of weights must be steps.
///
/// Errs with [`Error::Differs`] at the first difference. Values of parameters aren't compared: run both for that.
pub fn check(model: &Model, network: &Network, options: &ExportOptions) -> Result<()> {
    let differs = |place: &str, message: String| {
        Err(Error::Differs { network: network.name.clone(), place: place.into(), message })
    };
    let (expected, parameters) = export::model(network, model.metadata(), options)?;
    let graph = expected.graph.unwrap_or_default();
    if model.opset() != options.opset {
        return differs("model", format!("it is of opset {}, not {}", model.opset(), options.opset));
    }

    let nodes = &model.graph().node;
    for (seen, wanted) in nodes.iter().zip(&graph.node) {
        if seen != wanted {
            return differs(wanted.name(), format!("the node is {}, not {}", brief(seen), brief(wanted)));
        }
    }
    if nodes.len() != graph.node.len() {
        return differs("graph", format!("it has {} nodes, not {}", nodes.len(), graph.node.len()));
    }
    let described =
        |values: &[crate::proto::ValueInfoProto]| values.iter().map(Value::read).collect::<Result<Vec<_>>>();
    for (what, seen, wanted) in
        [("inputs", model.inputs(), described(&graph.input)?), ("outputs", model.outputs(), described(&graph.output)?)]
    {
        if seen != wanted {
            let list = |values: &[Value]| values.iter().map(Value::to_string).collect::<Vec<_>>().join(", ");
            return differs(what, format!("they are {}, not {}", list(seen), list(&wanted)));
        }
    }

    for (parameter, stored) in &parameters {
        match model.initializer(&parameter.name) {
            None => return differs(&parameter.name, "the parameter is missing".into()),
            Some(tensor) if tensor.shape() != parameter.shape || tensor.dtype() != stored.dtype() => {
                let (shape, wanted) = (tensor.shape(), &parameter.shape);
                let (dtype, of) = (tensor.dtype(), stored.dtype());
                return differs(&parameter.name, format!("it is {dtype} {shape:?}, not {of} {wanted:?}"));
            }
            Some(_) => {}
        }
    }
    let mut constants = graph.initializer.len();
    for (parameter, stored) in &parameters {
        constants += match steps(model, parameter, *stored) {
            Ok(constants) => constants,
            Err((name, message)) => return differs(&name, message),
        };
    }
    for constant in graph.initializer {
        let name = constant.name().to_owned();
        let wanted = tensor::inline(&name, constant)?;
        let same = model.initializer(&name).is_some_and(|seen| {
            seen.dtype() == wanted.dtype() && seen.shape() == wanted.shape() && seen.to_bytes() == wanted.to_bytes()
        });
        if !same {
            return differs(&name, "the constant has another value".into());
        }
    }
    if model.initializers().count() != parameters.len() + constants {
        let count = model.initializers().count();
        return differs("graph", format!("it has {count} initializers, not {}", parameters.len() + constants));
    }
    check_shapes(model, network, options)
}

/// How many constants the integers of a parameter bring. Errs, with the constant's name, where one isn't as it must be: a
/// finite step above zero for each channel, no zero point but 0, and for a bias the product of input's and weight's steps.
fn steps(model: &Model, parameter: &Parameter, stored: Stored) -> Result<usize, (String, String)> {
    let value = |role: &str| format!("{}/{role}", parameter.layer);
    let floats = |name: String| {
        let out = parameter.shape.get(..1).unwrap_or_default();
        let tensor = model.initializer(&name).filter(|t| t.dtype() == DType::F32 && t.shape() == out);
        let values = tensor.and_then(|tensor| tensor.to_f32().ok());
        let values = values.filter(|values| values.iter().all(|step| step.is_finite() && *step > 0.0));
        values.ok_or_else(|| (name, format!("it must hold a step above zero for each of {out:?} channels")))
    };
    match stored {
        Stored::Float(_) => Ok(0),
        Stored::Weight { .. } => {
            floats(scale_of(&value("weight")))?;
            let name = zero_of(&value("weight"));
            let zeros = model.initializer(&name).filter(|tensor| tensor.dtype() == DType::I8);
            match zeros.is_some_and(|zeros| zeros.to_bytes().iter().all(|zero| *zero == 0)) {
                true => Ok(2),
                false => Err((name, "zero points of symmetric weights must be 0".into())),
            }
        }
        Stored::Bias { input } => {
            let (name, weight) = (scale_of(&value("bias")), floats(scale_of(&value("weight")))?);
            let own = floats(name.clone())?;
            match own.iter().zip(&weight).all(|(bias, weight)| *bias == weight * input) {
                true => Ok(1),
                false => Err((name, format!("a bias must have the steps of its weights times its input's, {input:e}"))),
            }
        }
    }
}

fn check_shapes(model: &Model, network: &Network, options: &ExportOptions) -> Result<()> {
    let batch = match options.batch {
        Batch::Fixed(n) => n,
        // More than one, so that what forgets the batch is found.
        Batch::Dynamic => 2,
    };
    let inferred = infer(model, batch, &[])?;
    let network = if options.softmax { network.clone().with_softmax() } else { network.clone() };
    let steps = network.trace()?;
    for (index, step) in steps.iter().enumerate() {
        let last = index + 1 == steps.len();
        let name = if last { network.output_name() } else { &step.layer.name };
        // A layer that does nothing may be left out.
        if !inferred.knows(name) && !last {
            continue;
        }
        let seen = &inferred.get(name)?.shape;
        let wanted: Vec<usize> = std::iter::once(batch).chain(step.output.dims()).collect();
        if *seen != wanted {
            let message = format!("its shape is {seen:?}, not {wanted:?}");
            return Err(Error::Differs { network: network.name.clone(), place: step.layer.name.clone(), message });
        }
    }
    Ok(())
}

/// A node in a line: operator, inputs, attributes.
fn brief(node: &NodeProto) -> String {
    let attributes: Vec<String> = node
        .attribute
        .iter()
        .map(|a| match (a.i, a.f) {
            (Some(i), _) => format!("{} {i}", a.name()),
            (_, Some(f)) => format!("{} {f}", a.name()),
            _ => format!("{} {:?}", a.name(), a.ints),
        })
        .collect();
    format!("{}({}; {})", node.op_type(), node.input.join(", "), attributes.join(", "))
}

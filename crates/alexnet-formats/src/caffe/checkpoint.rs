use super::graph::transcribe;
use super::net::Net;
use super::weights::Weights;
use crate::shown::shown;
use crate::{Checkpoint, Limits, Result, Source};
use alexnet_spec::graph::{Graph, NodeOp};

/// A checkpoint from the weights of a file and the net that describes them: that of `--prototxt`, or the `embedded` one.
/// Without either, names and shapes have to do.
///
/// Errs where the net isn't one that is converted, or isn't that of the weights.
pub(crate) fn checkpoint(
    format: &'static str,
    weights: &Weights,
    embedded: Option<&Net>,
    source: &Source,
    limits: &Limits,
) -> Result<Checkpoint> {
    let groups = vec![weights.group()];
    let embedded = embedded.filter(|net| net.has_topology());
    let mut graph = match (source.prototxt(), embedded) {
        (Some(text), own) => {
            let net = Net::from_text(text, limits)?;
            let mut graph = transcribe(&net, weights).map_err(|error| error.in_file(text.file_name()))?;
            graph.notes.extend(unused(&net, weights));
            graph.notes.extend(own.and_then(|own| contradiction(&graph, &transcribe(own, weights).ok()?)));
            graph
        }
        (None, Some(own)) => transcribe(own, weights)?,
        (None, None) => {
            let mut checkpoint = Checkpoint::new(format, groups);
            checkpoint.notes.push(
                "the file holds weights and no net: --prototxt FILE settles what is computed between them".to_owned(),
            );
            return Ok(checkpoint);
        }
    };
    if let Some(net) = embedded {
        graph.notes.extend(net.notes.iter().cloned());
    }
    Ok(Checkpoint::described(format, graph, groups))
}

/// The layers whose weights the net doesn't have.
fn unused(net: &Net, weights: &Weights) -> Option<String> {
    let has = |name: &str| net.layers.iter().any(|layer| layer.name == name);
    let unused: Vec<&str> = weights.names().filter(|name| !has(name)).collect();
    let list = shown(unused.join(", ").as_bytes());
    (!unused.is_empty()).then(|| format!("weights of layers that the prototxt doesn't have are left out: {list}"))
}

/// Where the two nets of one file's weights first differ.
fn contradiction(believed: &Graph, own: &Graph) -> Option<String> {
    let steps = |graph: &Graph| {
        let nodes = graph.nodes.iter().map(|node| (node.name.clone(), node.op.clone()));
        nodes.chain([(String::new(), NodeOp::Identity)]).collect::<Vec<_>>()
    };
    let (believed, own) = (steps(believed), steps(own));
    let ((name, op), (own_name, own_op)) = believed.iter().zip(&own).find(|(a, b)| a != b)?;
    let text = |name: &str, op: &NodeOp| match name {
        "" => "its end".to_owned(),
        name => shown(format!("`{name}` {op:?}").as_bytes()),
    };
    Some(format!(
        "the prototxt is believed over the file's own net, which has {} where the prototxt has {}",
        text(own_name, own_op),
        text(name, op)
    ))
}

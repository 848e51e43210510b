use super::graph::transcribe;
use super::layers::says_preprocessing;
use super::net::Net;
use super::weights::Weights;
use crate::shown::shown;
use crate::{Checkpoint, Limits, Result, Source};
use alexnet_spec::Op;
use alexnet_spec::graph::{Graph, Node, NodeOp};

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
            let own = own.and_then(|own| Some((own, transcribe(own, weights).ok()?)));
            if let Some((own, trained)) = &own
                && !says_preprocessing(&net)
                && says_preprocessing(own)
                && graph.input == trained.input
            {
                // What the training did to its images holds for the net as it was deployed, which has no data layer.
                graph.preprocessing.clone_from(&trained.preprocessing);
                graph.notes.clone_from(&trained.notes);
            }
            graph.notes.extend(unused(&net, weights));
            graph.notes.extend(own.and_then(|(_, trained)| contradiction(&graph, &trained)));
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

/// Where the two nets of one file's weights first differ. Dropout and a softmax at the end are no difference.
fn contradiction(believed: &Graph, own: &Graph) -> Option<String> {
    let counts = |node: &&Node| !matches!(node.op, NodeOp::Layer(Op::Dropout(_) | Op::Softmax(_)));
    let steps = |graph: &Graph| {
        let nodes = graph.nodes.iter().filter(counts).map(|node| Some((node.name.clone(), node.op.clone())));
        nodes.chain([None]).collect::<Vec<_>>()
    };
    let (believed, own) = (steps(believed), steps(own));
    let (theirs, ours) = believed.iter().zip(&own).find(|(theirs, ours)| theirs != ours)?;
    let text = |step: &Option<(String, NodeOp)>| match step {
        None => "its end".to_owned(),
        Some((name, op)) => shown(plainly(name, op).as_bytes()),
    };
    Some(format!(
        "the prototxt is believed over the file's own net, which has {} where the prototxt has {}",
        text(ours),
        text(theirs)
    ))
}

/// `norm1` (LocalResponseNorm { size: 5, ... }).
fn plainly(name: &str, op: &NodeOp) -> String {
    match op {
        // Without the names of the enumerations around it, the last of which repeats the layer's.
        NodeOp::Layer(op) => {
            let text = format!("{op:?}");
            let inner = text.split_once('(').and_then(|(_, inner)| inner.strip_suffix(')'));
            format!("`{name}` ({})", inner.unwrap_or(&text))
        }
        op => format!("`{name}` ({op:?})"),
    }
}

#[cfg(test)]
mod tests;

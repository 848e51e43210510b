//! The part of a graph that lies between values: one layer alone, or all that follows a layer.

use crate::lower::{Lowering, infer};
use crate::proto::{GraphProto, ModelProto, NodeProto, ValueInfoProto};
use crate::validate::{malformed, unsupported};
use crate::{Dim, Model, Result, Value, types};
use alexnet_spec::{Metadata, Tensor};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

/// How many values an error lists.
const MAX_LISTED: usize = 64;
/// From this IR version on, initializers need not be listed among the inputs.
const FREE_INITIALIZERS: i64 = 4;

/// The part of `model` that computes `outputs` from `inputs`: a model of its own, which any runtime loads.
///
/// `inputs` are values of the graph, each with the shape in which the part is fed; its element type is the one in which the
/// graph computes it. `outputs` are values that nodes compute. Kept are the nodes that lie between them, in their order,
/// with their names and all their attributes, and the initializers that they read, whose bytes are shared, not copied. What
/// the graph says of values in between is left out, since other shapes may make it untrue, as is metadata that calls the
/// graph a network.
///
/// Where a shape is computed from the graph's own input (a flattening that asks for the size of the batch), it is worked
/// out for the batch of the first of `inputs`, if that is a number.
///
/// Errs, naming the value, where it isn't in the graph, stands twice, or is fed without being read; and where an output
/// depends on the graph's own input otherwise than through `inputs`.
///
/// ```
/// use alexnet_onnx::{Data, Dim, ExportOptions, Model, cut, write};
/// # use alexnet_spec::{Metadata, Tensor, Weights, networks};
/// # let network = networks::get("caffenet").unwrap().shrunk(16, 10)?;
/// # let zeros = |shape: &[usize]| Tensor::from_f32(shape.to_vec(), &vec![0.0; shape.iter().product()]);
/// # let tensors = network.parameters()?.into_iter().map(|p| Ok((p.name, zeros(&p.shape)?)));
/// # let weights = Weights::new(&network, tensors.collect::<alexnet_spec::Result<_>>()?)?;
/// # let mut file = Vec::new();
/// # write(&mut file, &network, &weights, &Metadata::default(), &ExportOptions::default(), Data::Inline)?;
/// let model = Model::decode(file.into(), &mut |_| Err(std::io::ErrorKind::NotFound.into()))?;
/// let pool1 = [Dim::Open("N".into()), Dim::Fixed(6), Dim::Fixed(27), Dim::Fixed(27)];
/// let norm1 = cut(&model, &[("pool1".into(), pool1.into())], &["norm1".into()])?;
/// assert_eq!(norm1.inputs()[0].to_string(), "pool1: f32 [N, 6, 27, 27]");
/// assert_eq!(norm1.outputs()[0].to_string(), "norm1: f32 [N, 6, 27, 27]");
/// assert_eq!(norm1.computed().collect::<Vec<_>>(), ["norm1"]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn cut(model: &Model, inputs: &[(String, Vec<Dim>)], outputs: &[String]) -> Result<Model> {
    let fed = distinct(inputs.iter().map(|(name, _)| name))?;
    let asked = distinct(outputs)?;
    check(model, &fed, &asked)?;
    let mut part = Part::between(model, &fed, outputs, None);
    if let (Some(_), Some(batch)) = (&part.open, batch(inputs))
        && let Ok(lowering) = infer(model, batch, &[])
    {
        part = Part::between(model, &fed, outputs, Some(&lowering));
    }
    if let Some(own) = &part.open {
        let message = format!(
            "`{}` depends on the graph's input `{}` otherwise than through {}",
            outputs.join("`, `").escape_debug(),
            own.escape_debug(),
            listed(fed.iter().copied())
        );
        return Err(unsupported("graph", message));
    }
    if let Some(idle) = inputs.iter().find(|(name, _)| !part.reached.contains(name.as_str())) {
        let message = format!("`{}` doesn't depend on `{}`", outputs.join("`, `"), idle.0.escape_debug());
        return Err(unsupported("graph", message));
    }
    let fed_as = inputs.iter().map(|(name, shape)| described(model, name, Some(shape.clone())));
    let given = outputs.iter().map(|name| described(model, name, None));
    let graph = GraphProto {
        name: model.graph().name.clone(),
        input: fed_as.collect::<Result<_>>()?,
        output: given.collect::<Result<_>>()?,
        node: part.nodes(model, &fed),
        ..Default::default()
    };
    let mut proto = ModelProto { graph: None, ..model.proto().clone() };
    proto.ir_version = proto.ir_version.map(|version| version.max(FREE_INITIALIZERS));
    proto.metadata_props.retain(|entry| entry.key() != Metadata::NETWORK);
    let constants = part.constants;
    let part = Model::new(proto.clone(), graph.clone(), constants.clone())?;
    // The operators tell the shapes of what comes out; where one isn't known here, the graph leaves them to the runtime.
    let output = outputs.iter().map(|name| described(model, name, shape(&part, name)));
    let graph = GraphProto { output: output.collect::<Result<_>>()?, ..graph };
    Model::new(proto, graph, constants)
}

/// A value of `model`, as an input or output of its part.
fn described(model: &Model, name: &str, shape: Option<Vec<Dim>>) -> Result<ValueInfoProto> {
    Ok(Value { name: name.to_owned(), dtype: types::of(model, name)?, shape }.into_proto())
}

/// The shape of what a part computes: inferred for two batches where its batch is open, and what differs is open too.
fn shape(part: &Model, name: &str) -> Option<Vec<Dim>> {
    let batch = part.inputs().first()?.shape.as_ref()?.first()?;
    let of = |batch: usize| infer(part, batch, &[]).ok()?.get(name).ok().map(|known| known.shape.clone());
    match batch {
        Dim::Fixed(batch) => Some(of(*batch)?.into_iter().map(Dim::Fixed).collect()),
        Dim::Open(open) => {
            let (one, two) = (of(1)?, of(2)?);
            let dim = |(one, two): (usize, usize)| match (one, two) {
                (one, two) if one == two => Dim::Fixed(one),
                (1, 2) => Dim::Open(open.clone()),
                _ => Dim::Open(String::new()),
            };
            (one.len() == two.len()).then(|| one.into_iter().zip(two).map(dim).collect())
        }
    }
}

/// The names as a set. Errs where there is none, or one stands twice.
fn distinct<'a>(names: impl IntoIterator<Item = &'a String>) -> Result<BTreeSet<&'a str>> {
    let mut set = BTreeSet::new();
    for name in names {
        if !set.insert(name.as_str()) {
            return Err(unsupported("graph", format!("`{}` is asked for twice", name.escape_debug())));
        }
    }
    if set.is_empty() {
        return Err(unsupported("graph", "a part of it needs at least one input and one output"));
    }
    Ok(set)
}

/// Errs where the graph has no such values, or nothing lies between them.
fn check(model: &Model, inputs: &BTreeSet<&str>, outputs: &BTreeSet<&str>) -> Result<()> {
    let computed: HashSet<&str> = model.computed().collect();
    let own = |name: &str| model.inputs().iter().any(|input| input.name == name) || model.initializer(name).is_some();
    let missing = outputs.iter().find(|name| !computed.contains(*name));
    let missing = missing.or_else(|| inputs.iter().find(|name| !computed.contains(*name) && !own(name)));
    if let Some(name) = missing {
        let name = name.escape_debug();
        return Err(malformed(
            "graph",
            format!("no node computes `{name}`; the graph has {}", listed(model.computed())),
        ));
    }
    match inputs.intersection(outputs).next() {
        Some(both) => Err(unsupported("graph", format!("`{}` is asked for as input and output", both.escape_debug()))),
        None => Ok(()),
    }
}

fn listed<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let mut names: Vec<_> = names.map(|name| format!("`{}`", name.escape_debug())).collect();
    let more = if names.len() > MAX_LISTED { ", ..." } else { "" };
    names.truncate(MAX_LISTED);
    format!("{}{more}", names.join(", "))
}

/// The batch that the first input is fed in, where it is a number.
fn batch(inputs: &[(String, Vec<Dim>)]) -> Option<usize> {
    match inputs.first()?.1.first()? {
        Dim::Fixed(batch) => Some(*batch),
        Dim::Open(_) => None,
    }
}

/// What lies between values.
#[derive(Default)]
struct Part {
    /// The nodes, by their positions.
    nodes: BTreeSet<usize>,
    /// What they read that no node of the part computes.
    constants: BTreeMap<String, Tensor>,
    /// The part's inputs that something in it reads.
    reached: BTreeSet<String>,
    /// An input of the whole graph that the part reads, but isn't fed.
    open: Option<String>,
}

impl Part {
    /// Walks from `outputs` back to `fed`. Values that `worked_out` knows to be constant aren't followed further.
    fn between(model: &Model, fed: &BTreeSet<&str>, outputs: &[String], worked_out: Option<&Lowering>) -> Part {
        let nodes = &model.graph().node;
        let computed_at = |(at, node): (usize, &'_ NodeProto)| -> Vec<(String, usize)> {
            node.output.iter().filter(|output| !output.is_empty()).map(|output| (output.clone(), at)).collect()
        };
        let producers: HashMap<String, usize> = nodes.iter().enumerate().flat_map(computed_at).collect();
        let mut part = Part::default();
        let mut pending: Vec<&str> = outputs.iter().map(String::as_str).collect();
        let mut seen = HashSet::new();
        while let Some(name) = pending.pop() {
            if !seen.insert(name) {
                continue;
            }
            let constant = || worked_out.and_then(|lowering| lowering.get(name).ok()?.constant.clone());
            if fed.contains(name) {
                part.reached.insert(name.to_owned());
            } else if let Some(tensor) = model.initializer(name).cloned().or_else(constant) {
                part.constants.insert(name.to_owned(), tensor);
            } else if let Some((at, node)) = producers.get(name).and_then(|at| Some((*at, nodes.get(*at)?))) {
                part.nodes.insert(at);
                reads(node, &mut pending);
            } else if model.inputs().iter().any(|input| input.name == name) {
                part.open = Some(name.to_owned());
            }
            // Any other name is of a branch, which computes it itself.
        }
        part
    }

    /// The nodes. What one of them computes besides, and the part is fed, gets another name.
    fn nodes(&self, model: &Model, fed: &BTreeSet<&str>) -> Vec<NodeProto> {
        let all = &model.graph().node;
        let mut nodes: Vec<NodeProto> = self.nodes.iter().filter_map(|at| all.get(*at).cloned()).collect();
        let names = model.computed().chain(model.initializers().map(|(name, _)| name));
        let mut taken: HashSet<String> = names.chain(fed.iter().copied()).map(str::to_owned).collect();
        for output in nodes.iter_mut().flat_map(|node| &mut node.output).filter(|output| fed.contains(output.as_str()))
        {
            while !taken.insert(output.clone()) {
                output.push('_');
            }
        }
        nodes
    }
}

/// Adds what a node reads, its branches included.
fn reads<'m>(node: &'m NodeProto, names: &mut Vec<&'m str>) {
    names.extend(node.input.iter().map(String::as_str).filter(|name| !name.is_empty()));
    for branch in node.attribute.iter().filter_map(|attribute| attribute.g.as_ref()) {
        names.extend(branch.output.iter().map(|output| output.name()));
        branch.node.iter().for_each(|node| reads(node, names));
    }
}

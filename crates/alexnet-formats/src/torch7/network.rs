use super::layers::layer;
use super::module::Module;
use super::object::{Heap, Object, Value};
use crate::{Error, Group, Limits, Result};
use alexnet_spec::graph::{Graph, Node, NodeOp};
use alexnet_spec::{Input, Op};

/// The value that is the image.
const IMAGE: &str = "image";
/// How deep modules, or tables around a network, may be nested.
const NESTING: usize = 100;

/// A network in a file.
pub(crate) struct Found<'a> {
    heap: &'a Heap,
    value: &'a Value,
    class: &'a str,
}

/// The network that an object is or holds; `None` where there are only tables and tensors.
///
/// Errs where there are several.
pub(crate) fn find<'a>(heap: &'a Heap, root: &'a Value, limits: &Limits) -> Result<Option<Found<'a>>> {
    let mut found: Vec<(String, Found<'a>)> = Vec::new();
    let mut waiting = vec![(String::new(), root, 0usize)];
    let mut seen = std::collections::HashSet::new();
    while let Some((path, value, depth)) = waiting.pop() {
        let Value::Object(place) = value else { continue };
        if !seen.insert(*place) || depth > NESTING || seen.len() > limits.objects {
            continue;
        }
        match heap.get(value) {
            // What measures a network in training isn't one.
            Some(Object::Instance { class, .. }) if class.ends_with("Criterion") => {}
            Some(Object::Instance { class, .. }) if ["nn.", "cudnn.", "inn."].iter().any(|p| class.starts_with(p)) => {
                found.push((path, Found { heap, value, class }));
            }
            Some(Object::Table(entries)) => {
                for (key, value) in entries {
                    if let Some(key) = heap.key(key) {
                        let path = if path.is_empty() { key } else { format!("{path}.{key}") };
                        waiting.push((path, value, depth.saturating_add(1)));
                    }
                }
            }
            _ => {}
        }
    }
    match found.len() {
        0 | 1 => Ok(found.pop().map(|(_, found)| found)),
        count => {
            let mut paths: Vec<String> = found.into_iter().map(|(path, _)| format!("`{path}`")).collect();
            paths.sort();
            paths.truncate(8);
            Err(Error::refused(format!("holds {count} networks, among them {}", paths.join(", ")))
                .with_remedy("torch.save of the one to convert"))
        }
    }
}

impl Found<'_> {
    /// The network and its tensors.
    pub fn graph(&self, limits: &Limits) -> Result<(Graph, Group)> {
        let mut walk = Walk { nodes: Vec::new(), visited: 0, group: Group::default(), input: None, limits };
        let output = walk.module(self.heap, self.value, "net", IMAGE.to_owned(), 0)?;
        if walk.nodes.is_empty() || output == IMAGE {
            return Err(Error::refused(format!("the network, a `{}`, has no layers", self.class)));
        }
        let graph = Graph {
            dialect: "torch7",
            name: None,
            input_name: IMAGE.to_owned(),
            input: walk.input,
            preprocessing: None,
            labels: None,
            nodes: walk.nodes,
            notes: Vec::new(),
        };
        Ok((graph, walk.group))
    }
}

struct Walk<'l> {
    nodes: Vec<Node>,
    /// Modules, counting one as often as it is used: a few that hold each other twice are very many.
    visited: usize,
    group: Group,
    /// What the first layer last saw, where it says so.
    input: Option<Input>,
    limits: &'l Limits,
}

impl Walk<'_> {
    /// Adds the nodes of a module that reads `from`; the name of what it gives.
    fn module(&mut self, heap: &Heap, value: &Value, path: &str, from: String, depth: usize) -> Result<String> {
        self.visited = self.visited.saturating_add(1);
        if depth > NESTING {
            return Err(Error::limit("depth", "modules nested deeper", NESTING));
        }
        if self.visited > self.limits.tensors {
            return Err(Error::limit("tensors", "one more module", self.limits.tensors));
        }
        let Some(class) = heap.class(value) else {
            return Err(Error::malformed("is no module").at(format!("module {path}")));
        };
        let module = Module { heap, value, class, path };
        let below = depth.saturating_add(1);
        match module.kind() {
            "Sequential" => {
                let mut value = from;
                for (number, child) in (1usize..).zip(module.children()) {
                    value = self.module(heap, child, &format!("{path}.{number}"), value, below)?;
                }
                Ok(value)
            }
            // One network on several cards: the first copy is that of which the others are copies.
            "DataParallelTable" | "DataParallel" => match module.children().first() {
                Some(child) => self.module(heap, child, &format!("{path}.1"), from, below),
                None => Err(module.refused("holds no network").with_remedy("torch.save of the network within")),
            },
            "Concat" => {
                // Of a batch the channels are the second axis.
                let axis = module.size("dimension", None)?;
                if axis != 2 {
                    return Err(module.refused(format!("concatenates along dimension {axis}, not the channels")));
                }
                let mut inputs = Vec::new();
                for (number, child) in (1usize..).zip(module.children()) {
                    inputs.push(self.module(heap, child, &format!("{path}.{number}"), from.clone(), below)?);
                }
                self.nodes.push(Node::new(path, inputs, NodeOp::Concat));
                Ok(path.to_owned())
            }
            _ => match layer(module)? {
                None => Ok(from),
                Some((op, operands)) => {
                    if from == IMAGE && matches!(op, NodeOp::Layer(Op::Conv2d(_))) {
                        self.input = self.input.take().or_else(|| seen(module));
                    }
                    for operand in &operands {
                        let names = operand.sources.iter().cloned();
                        let tensors = names.zip(operand.tensors.iter().cloned());
                        self.group.tensors.extend(tensors);
                    }
                    self.nodes.push(Node { operands, ..Node::new(path, vec![from], op) });
                    Ok(path.to_owned())
                }
            },
        }
    }
}

/// The size of the images that cudnn's convolutions keep: batch, channels, height, width.
fn seen(module: Module<'_>) -> Option<Input> {
    let size = |size: i64| usize::try_from(size).ok().filter(|size| *size > 0);
    match *module.longs("iSize")? {
        [_, channels, height, width] => {
            Some(Input { channels: size(channels)?, height: size(height)?, width: size(width)? })
        }
        _ => None,
    }
}

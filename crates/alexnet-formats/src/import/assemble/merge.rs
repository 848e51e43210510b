//! From a file's nodes to one line of layers: nodes that run side by side on parts of the channels become one layer.
//!
//! At every moment there is one current layer, and each value that is still read is some of its channels. The nodes that can
//! run next must all compute the same; together they are the next layer. Two convolutions that read a tower each are one
//! with two groups; two that read both towers are one without. What doesn't fit into that line is refused by name.

use super::operands::{Parameter, Part, join, named};
use super::view::{View, channels, cover};
use crate::{Error, Result, Transform};
use alexnet_spec::graph::{Node, NodeOp};
use alexnet_spec::layers::{AdaptiveAvgPool2d, Conv2d, Flatten, Linear, LocalResponseNorm, MaxPool2d, Rounding};
use alexnet_spec::{Graph, Input, Op, Shape};
use std::collections::{BTreeMap, BTreeSet};

/// More nodes than any network of the family has in any framework: a bound on the cost of hostile files.
const MAX_NODES: usize = 4096;

/// A layer of the line.
pub(super) struct Merged {
    pub op: Op,
    pub parameters: Vec<Parameter>,
}

/// The line of layers.
pub(super) struct Line {
    pub layers: Vec<Merged>,
    pub notes: Vec<String>,
}

/// Merges the nodes of `graph`, which is fed `input`.
///
/// Errs, naming the nodes, where they can't be one line of layers.
pub(super) fn line(graph: &Graph, input: &Input) -> Result<Line> {
    check_names(graph)?;
    let Input { channels, height, width } = *input;
    let shape = Shape::Map { channels, height, width };
    let views = BTreeMap::from([(graph.input_name.as_str(), View::whole(0, shape))]);
    let mut merger = Merger { shape, views, layers: Vec::new(), notes: Vec::new() };
    let places = places(graph);
    let mut pending: Vec<&Node> = graph.nodes.iter().collect();
    loop {
        merger.arrange(&mut pending)?;
        let mut ready: Vec<&Node> = pending.iter().copied().filter(|node| merger.inputs(node).is_some()).collect();
        ready.sort_by_key(|node| places.get(node.name.as_str()).copied());
        if ready.is_empty() {
            break;
        }
        pending.retain(|node| ready.iter().all(|ready| !std::ptr::eq(*ready, *node)));
        merger.advance(&ready)?;
    }
    if let Some(node) = pending.first() {
        return Err(merger.stuck(node));
    }
    merger.check_output(graph)?;
    Ok(Line { layers: merger.layers, notes: merger.notes })
}

/// Where each node's tower stands when the towers are next joined, which is the order to merge them in.
fn places(graph: &Graph) -> BTreeMap<&str, usize> {
    let mut places = BTreeMap::new();
    for node in graph.nodes.iter().rev() {
        let own = places.get(node.name.as_str()).copied();
        for (position, input) in node.inputs.iter().enumerate() {
            match (&node.op, own) {
                (NodeOp::Concat, _) => _ = places.insert(input.as_str(), position),
                (_, Some(own)) => _ = places.entry(input.as_str()).or_insert(own),
                (_, None) => {}
            }
        }
    }
    places
}

fn check_names(graph: &Graph) -> Result<()> {
    if graph.nodes.len() > MAX_NODES {
        return Err(Error::limit("nodes", format!("a network of {} nodes", graph.nodes.len()), MAX_NODES));
    }
    let mut names = BTreeSet::from([graph.input_name.as_str()]);
    match graph.nodes.iter().find(|node| !names.insert(&node.name)) {
        Some(node) => Err(Error::malformed(format!("two layers are called `{}`", node.name.escape_debug()))),
        None => Ok(()),
    }
}

struct Merger<'g> {
    /// The current layer's output.
    shape: Shape,
    views: BTreeMap<&'g str, View>,
    layers: Vec<Merged>,
    notes: Vec<String>,
}

impl<'g> Merger<'g> {
    fn stage(&self) -> usize {
        self.layers.len()
    }

    /// What a node reads, where all of it is of the current layer.
    fn inputs(&self, node: &Node) -> Option<Vec<&View>> {
        let view = |name: &String| self.views.get(name.as_str()).filter(|view| view.stage == self.stage());
        node.inputs.iter().map(view).collect()
    }

    /// Works through the nodes that only arrange channels, until none of them is left that could be.
    fn arrange(&mut self, pending: &mut Vec<&'g Node>) -> Result<()> {
        loop {
            let before = pending.len();
            let mut left = Vec::with_capacity(before);
            for node in pending.drain(..) {
                let Some(views) = self.inputs(node) else {
                    left.push(node);
                    continue;
                };
                match arranged(node, &views)? {
                    Some(view) => _ = self.views.insert(&node.name, view),
                    None => left.push(node),
                }
            }
            *pending = left;
            if pending.len() == before {
                return Ok(());
            }
        }
    }

    /// Makes the next layer of the nodes that can run.
    fn advance(&mut self, ready: &[&'g Node]) -> Result<()> {
        let mut parts = Vec::with_capacity(ready.len());
        let mut ops = Vec::with_capacity(ready.len());
        for node in ready {
            let [view] = self.inputs(node).unwrap_or_default()[..] else {
                return Err(refused(node, format!("reads {} values; a layer has one input", node.inputs.len())));
            };
            let view = view.clone();
            let (op, hwc) = self.resolve(node)?;
            let out = op.out().unwrap_or_else(|| view.stretches.iter().map(ExactSizeIterator::len).sum());
            ops.push((op, hwc));
            parts.push(Part { node, view, weight: Vec::new(), out });
        }
        let Some((first, hwc)) = ops.first().cloned() else { return Ok(()) };
        if let Some(other) = ops.iter().position(|(op, other)| !same(op, &first) || *other != hwc) {
            let other = parts.get(other).map(|part| part.node.name.as_str()).unwrap_or_default();
            let message = format!(
                "{} and `{}` run side by side, but don't compute the same",
                named(parts.get(..1).unwrap_or_default()),
                other.escape_debug()
            );
            return Err(Error::refused(message).with_remedy("a network whose branches are towers of one layer"));
        }
        match first {
            Op::Conv2d(conv) => self.convolve(parts, conv),
            Op::Linear(_) => self.multiply(parts),
            Op::LocalResponseNorm(norm) => self.normalise(parts, norm),
            Op::BatchNorm2d(_) => self.normalise_batch(parts, first),
            Op::Flatten(_) | Op::AdaptiveAvgPool2d(AdaptiveAvgPool2d { output: [1, 1] })
                if matches!(self.shape, Shape::Vector(_)) =>
            {
                self.skip(parts)
            }
            Op::Flatten(_) => self.flatten(parts, hwc),
            Op::Relu(_) | Op::MaxPool2d(_) | Op::AdaptiveAvgPool2d(_) | Op::Dropout(_) => {
                self.push(first, parts, Vec::new(), true)
            }
            op => self.push(op, parts, Vec::new(), false),
        }
    }

    /// The node's operation with its padding worked out, and whether it flattens row, column, channel.
    fn resolve(&self, node: &Node) -> Result<(Op, bool)> {
        let same = |kernel: [usize; 2], stride: [usize; 2]| match self.shape {
            Shape::Map { height, width, .. } => same_pads([height, width], kernel, stride),
            Shape::Vector(_) => None,
        };
        let unpadded = || refused(node, "pads to the size of a map, but its input is none".to_owned());
        Ok(match &node.op {
            NodeOp::Layer(op) => (op.clone(), false),
            NodeOp::FlattenHwc => (Flatten {}.into(), true),
            NodeOp::Same(Op::Conv2d(conv)) => {
                let pads = same(conv.kernel, conv.stride).ok_or_else(unpadded)?;
                (Conv2d { pads, ..conv.clone() }.into(), false)
            }
            NodeOp::Same(Op::MaxPool2d(pool)) => {
                let pads = same(pool.kernel, pool.stride).ok_or_else(unpadded)?;
                (MaxPool2d { pads, rounding: Rounding::Floor, ..pool.clone() }.into(), false)
            }
            NodeOp::Same(op) => return Err(refused(node, format!("a {} can't be padded", op.kind()))),
            NodeOp::Concat | NodeOp::Slice { .. } | NodeOp::Scale(_) | NodeOp::Identity => {
                return Err(refused(node, "can't be arranged".to_owned()));
            }
        })
    }

    fn convolve(&mut self, mut parts: Vec<Part<'g>>, conv: Conv2d) -> Result<()> {
        let count = channels(self.shape);
        let whole = parts.iter().all(|part| part.view.covers(count));
        if whole && conv.groups == 1 && conv.pads == [0; 4] && self.covers_the_map(conv.kernel) {
            return self.multiply_as_convolution(parts);
        }
        let groups = if whole {
            let fits = conv.groups == 1 || (parts.len() == 1 && parts.iter().all(|part| part.view.is_whole(count)));
            if !fits {
                return Err(Error::refused(format!("the groups of {} don't follow the channels", named(&parts))));
            }
            conv.groups
        } else {
            parts = towers(parts, count)?;
            conv.groups.saturating_mul(parts.len())
        };
        for part in &mut parts {
            if whole && !part.view.is_whole(count) {
                part.weight.extend(part.view.sort(1));
            }
            scale(part);
        }
        let out = parts.iter().try_fold(0usize, |sum, part| sum.checked_add(part.out)).unwrap_or_default();
        let parameters = self.weight_and_bias(&parts)?;
        self.push_outputs(Conv2d { out, groups, ..conv }.into(), parts, parameters)
    }

    /// Whether a kernel sees all of the map at once.
    fn covers_the_map(&self, kernel: [usize; 2]) -> bool {
        match self.shape {
            Shape::Map { height, width, .. } => kernel == [height, width],
            Shape::Vector(_) => kernel == [1, 1],
        }
    }

    /// Convolutions that see all of the map are fully connected layers.
    fn multiply_as_convolution(&mut self, mut parts: Vec<Part<'g>>) -> Result<()> {
        if let Shape::Map { height, width, .. } = self.shape {
            let features = |part: &mut Part<'_>| {
                let columns = columns(&part.view, height.checked_mul(width)?)?;
                let length = columns.stretches.iter().try_fold(0usize, |sum, s| sum.checked_add(s.len()))?;
                part.weight.push(Transform::Reshape(vec![part.out, length]));
                part.view = View { stage: columns.stage.checked_add(1)?, ..columns };
                Some(())
            };
            if parts.iter_mut().map(features).any(|done| done.is_none()) {
                return Err(Error::refused(format!("the map before {} is too large", named(&parts))));
            }
            self.push_layer(Flatten {}.into(), Vec::new())?;
        } else {
            for part in &mut parts {
                let length = part.view.stretches.iter().map(ExactSizeIterator::len).sum();
                part.weight.push(Transform::Reshape(vec![part.out, length]));
            }
        }
        self.multiply(parts)
    }

    fn multiply(&mut self, mut parts: Vec<Part<'g>>) -> Result<()> {
        let count = channels(self.shape);
        for part in &mut parts {
            if !part.view.covers(count) {
                let message = format!("is fully connected, but not to all of the {} before it", self.shape);
                return Err(refused(part.node, message));
            }
            if let Some((height, width)) = part.view.hwc {
                part.weight.push(Transform::FlattenedHwcToChw { height, width });
            }
            if !part.view.is_whole(count) {
                part.weight.extend(part.view.sort(1));
            }
            scale(part);
        }
        let out = parts.iter().try_fold(0usize, |sum, part| sum.checked_add(part.out)).unwrap_or_default();
        let parameters = self.weight_and_bias(&parts)?;
        self.push_outputs(Linear { out }.into(), parts, parameters)
    }

    fn weight_and_bias(&mut self, parts: &[Part<'g>]) -> Result<Vec<Parameter>> {
        let weight = join(parts, "weight", false, &mut self.notes)?;
        Ok(vec![weight, join(parts, "bias", true, &mut self.notes)?])
    }

    fn normalise(&mut self, parts: Vec<Part<'g>>, norm: LocalResponseNorm) -> Result<()> {
        let count = channels(self.shape);
        let parts = match parts.len() {
            1 if parts.iter().all(|part| part.view.is_whole(count)) => parts,
            1 => return Err(Error::refused(format!("{} doesn't see the channels in their order", named(&parts)))),
            _ => towers(parts, count)?,
        };
        let groups = norm.groups.saturating_mul(parts.len());
        self.push(LocalResponseNorm { groups, ..norm }.into(), parts, Vec::new(), false)
    }

    /// A batch norm, whose statistics follow the channels, or features, in the order in which its node reads them.
    fn normalise_batch(&mut self, mut parts: Vec<Part<'g>>, op: Op) -> Result<()> {
        let count = channels(self.shape);
        parts.iter_mut().for_each(features_in_order);
        match &mut parts[..] {
            [part] if part.view.is_whole(count) => {}
            [part] if part.view.covers(count) => part.weight.extend(part.view.sort(0)),
            _ => parts = in_order(parts, count)?,
        }
        let roles = [("weight", true), ("bias", true), ("running_mean", false), ("running_var", false)];
        let parameters = roles.map(|(role, optional)| join(&parts, role, optional, &mut self.notes));
        self.push(op, parts, parameters.into_iter().collect::<Result<_>>()?, false)
    }

    fn flatten(&mut self, parts: Vec<Part<'g>>, hwc: bool) -> Result<()> {
        let Shape::Map { height, width, .. } = self.shape else { return self.skip(parts) };
        let mut parts = parts;
        for part in &mut parts {
            if hwc && part.view.single().is_none() {
                return Err(refused(part.node, "flattens channels of several layers, row by row".to_owned()));
            }
            let pixels = height.checked_mul(width).and_then(|pixels| columns(&part.view, pixels));
            let view = pixels.ok_or_else(|| refused(part.node, "flattens too large a map".to_owned()))?;
            part.view = View { hwc: hwc.then_some((height, width)), ..view };
        }
        self.push_layer(Flatten {}.into(), Vec::new())?;
        self.leave(parts, true)
    }

    /// A layer that changes nothing: its nodes give what they read.
    fn skip(&mut self, parts: Vec<Part<'g>>) -> Result<()> {
        for part in parts {
            self.views.insert(&part.node.name, part.view);
        }
        Ok(())
    }

    /// A layer whose outputs are as its inputs. `homogeneous`: a factor before it is the same factor after it.
    fn push(&mut self, op: Op, parts: Vec<Part<'g>>, parameters: Vec<Parameter>, homogeneous: bool) -> Result<()> {
        let count = channels(self.shape);
        if !cover(parts.iter().map(|part| &part.view), count) {
            let message = format!("{} of {} and of no other channels is no layer of ours", op.kind(), named(&parts));
            return Err(Error::refused(message));
        }
        self.push_layer(op, parameters)?;
        self.leave(parts, homogeneous)
    }

    /// The outputs of nodes that have as many channels as before.
    fn leave(&mut self, parts: Vec<Part<'g>>, homogeneous: bool) -> Result<()> {
        let stage = self.stage();
        for part in parts {
            if part.view.factor != 1.0 && !homogeneous {
                return Err(refused(part.node, format!("normalises values that are to be times {}", part.view.factor)));
            }
            self.views.insert(&part.node.name, View { stage, ..part.view });
        }
        Ok(())
    }

    /// A layer whose nodes have channels of their own, one node's after the other's.
    fn push_outputs(&mut self, op: Op, parts: Vec<Part<'g>>, parameters: Vec<Parameter>) -> Result<()> {
        self.push_layer(op, parameters)?;
        let (stage, mut start) = (self.stage(), 0usize);
        for part in parts {
            let end = start.saturating_add(part.out);
            let stretches = vec![start..end];
            self.views.insert(&part.node.name, View { stage, stretches, factor: 1.0, hwc: None });
            start = end;
        }
        Ok(())
    }

    fn push_layer(&mut self, op: Op, parameters: Vec<Parameter>) -> Result<()> {
        let output = op.infer().output(self.shape);
        self.shape = output.map_err(|message| {
            Error::refused(format!("layer {} ({}): {message}", self.layers.len().saturating_add(1), op.kind()))
        })?;
        self.layers.push(Merged { op, parameters });
        Ok(())
    }

    /// Why a node can't run.
    fn stuck(&self, node: &Node) -> Error {
        let unknown = node.inputs.iter().find(|name| !self.views.contains_key(name.as_str()));
        let why = match unknown {
            Some(name) => format!("reads `{}`, which nothing before it computes", name.escape_debug()),
            None => "reads what lies several layers back: a connection past other layers".to_owned(),
        };
        refused(node, why)
    }

    /// Errs where not exactly one value is left over, all of the last layer.
    fn check_output(&self, graph: &Graph) -> Result<()> {
        let read: BTreeSet<&str> = graph.nodes.iter().flat_map(|node| &node.inputs).map(String::as_str).collect();
        let outputs: Vec<&str> =
            graph.nodes.iter().map(|node| node.name.as_str()).filter(|name| !read.contains(name)).collect();
        let [output] = outputs[..] else {
            let names = outputs.iter().take(4).map(|name| format!("`{}`", name.escape_debug()));
            let message = format!("{} outputs: {}", outputs.len(), names.collect::<Vec<_>>().join(", "));
            return Err(Error::refused(message).with_remedy("a network with one output, the classes"));
        };
        let plain = |view: &View| {
            view.stage == self.stage()
                && view.is_whole(channels(self.shape))
                && view.factor == 1.0
                && (view.hwc.is_none() || matches!(view.hwc, Some((1, 1))))
        };
        match self.views.get(output).is_some_and(plain) {
            true => Ok(()),
            false => Err(Error::refused(format!("the output `{}` is not the last layer's", output.escape_debug()))),
        }
    }
}

/// The value of a node that only arranges channels; `None` where it computes.
fn arranged(node: &Node, views: &[&View]) -> Result<Option<View>> {
    let one = || match views {
        [view] => Ok((*view).clone()),
        _ => Err(refused(node, format!("reads {} values instead of one", views.len()))),
    };
    Ok(Some(match &node.op {
        NodeOp::Identity => one()?,
        NodeOp::Scale(factor) if factor.is_finite() && *factor > 0.0 => {
            let view = one()?;
            View { factor: view.factor * factor, ..view }
        }
        NodeOp::Scale(factor) => return Err(refused(node, format!("multiplies by {factor}"))),
        NodeOp::Concat => View::concat(views.iter().copied())
            .ok_or_else(|| refused(node, "joins values that can't stand side by side in one layer".to_owned()))?,
        NodeOp::Slice { start, end } => one()?
            .slice(*start, *end)
            .ok_or_else(|| refused(node, format!("takes channels {start} to {end}, which aren't there")))?,
        NodeOp::Layer(_) | NodeOp::Same(_) | NodeOp::FlattenHwc => return Ok(None),
    }))
}

/// Parts that have one stretch of the channels each, all of the same length and width, in the order of the channels.
fn towers(parts: Vec<Part<'_>>, count: usize) -> Result<Vec<Part<'_>>> {
    let parts = in_order(parts, count)?;
    let width = |part: &Part<'_>| (part.view.single().map(ExactSizeIterator::len), part.out);
    match parts.first().map(width) {
        Some(first) if parts.iter().all(|part| width(part) == first) => Ok(parts),
        _ => Err(Error::refused(format!("the towers of {} are not equally wide", named(&parts)))),
    }
}

/// Parts that have one stretch of the channels each, in the order of the channels; together they have all.
fn in_order(mut parts: Vec<Part<'_>>, count: usize) -> Result<Vec<Part<'_>>> {
    let single = parts.iter().all(|part| part.view.single().is_some());
    if !single || !cover(parts.iter().map(|part| &part.view), count) {
        let message = format!("{} read neither one tower each nor all {count} channels", named(&parts));
        return Err(Error::refused(message));
    }
    parts.sort_by_key(|part| part.view.single().map(|stretch| stretch.start));
    Ok(parts)
}

/// Brings what a batch norm has for each feature into the order of the features: that of a map flattened channel by channel.
fn features_in_order(part: &mut Part<'_>) {
    if let Some((height, width)) = part.view.hwc {
        part.weight.push(Transform::Reshape(vec![1, part.out]));
        part.weight.push(Transform::FlattenedHwcToChw { height, width });
        part.weight.push(Transform::Reshape(vec![part.out]));
    }
}

/// Takes the factor that the value still needs into the weight.
fn scale(part: &mut Part<'_>) {
    if part.view.factor != 1.0 {
        part.weight.push(Transform::Scale(part.view.factor));
    }
}

/// The features that channels of a map become.
fn columns(view: &View, pixels: usize) -> Option<View> {
    let scaled = view.stretches.iter().map(|s| Some(s.start.checked_mul(pixels)?..s.end.checked_mul(pixels)?));
    Some(View { stretches: scaled.collect::<Option<_>>()?, ..view.clone() })
}

/// Padding that makes the output the input divided by the stride, rounded up; the greater half comes last.
fn same_pads(size: [usize; 2], kernel: [usize; 2], stride: [usize; 2]) -> Option<[usize; 4]> {
    let total = |axis: usize| {
        let (size, kernel, stride) = (*size.get(axis)?, *kernel.get(axis)?, *stride.get(axis)?);
        let steps = size.checked_sub(1)?.checked_div(stride)?;
        Some(steps.checked_mul(stride)?.checked_add(kernel)?.saturating_sub(size))
    };
    let (y, x) = (total(0)?, total(1)?);
    Some([y / 2, x / 2, y.div_ceil(2), x.div_ceil(2)])
}

/// Whether two operations are one, whatever their widths.
fn same(a: &Op, b: &Op) -> bool {
    match (a, b) {
        (Op::Conv2d(a), Op::Conv2d(b)) => Conv2d { out: 0, ..a.clone() } == Conv2d { out: 0, ..b.clone() },
        (Op::Linear(_), Op::Linear(_)) => true,
        _ => a == b,
    }
}

fn refused(node: &Node, why: String) -> Error {
    Error::refused(format!("layer `{}` {why}", node.name.escape_debug()))
}

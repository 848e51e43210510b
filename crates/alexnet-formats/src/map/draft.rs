use super::layouts::{Layouts, Transforms};
use crate::{Checkpoint, ImportOptions};
use alexnet_spec::{Network, Op, Parameter, Shape, Tensor, networks};
use std::fmt::Write;

/// How many candidates a parameter's entry lists.
const LISTED: usize = 8;

/// A map to start from, in TOML: for each parameter of the network that the user insists on, or else of the one that most
/// tensors of the checkpoint suit, the tensors that can be it. Where only one can, or only one has the layer's name, its line
/// is ready; every other is a comment. `None` where no tensor suits anything.
pub(crate) fn draft(checkpoint: &Checkpoint, options: &ImportOptions) -> Option<String> {
    let tensors = floats(checkpoint);
    let layouts = Layouts::seen(&tensors);
    let (network, why) = match &options.network {
        Some(network) => (network.clone(), "as --network says"),
        None => {
            let all = networks::ALL.iter().map(|entry| (entry.network)());
            // The first of those that suit best: `max_by_key` takes the last.
            let all: Vec<(usize, Network)> =
                all.map(|network| (suited(&network, &tensors, &layouts), network)).collect();
            let (_, network) = all.into_iter().rev().max_by_key(|(suited, _)| *suited).filter(|(n, _)| *n > 0)?;
            (network, "of --list-networks; the nearest by shapes")
        }
    };
    let mut text = format!(
        "# Which tensor each parameter is. Keep one line for each, and give this file by --map.\n\
         network = {}  # {why}\n\n[parameters]\n",
        quoted(&network.name)
    );
    let map = flattened(&network)?;
    let mut outputs = Vec::new();
    for parameter in network.parameters().ok()? {
        let _ = writeln!(text, "# {} {:?}", parameter.name, parameter.shape);
        let found = candidates(&parameter, &tensors, &layouts, &outputs);
        if parameter.shape.len() > 1 {
            outputs = found.iter().map(|found| found.outputs).collect();
        }
        let ready = ready(&parameter, &found);
        for (index, Candidate { name, tensor, transforms, .. }) in found.iter().enumerate().take(LISTED) {
            let start = if ready == Some(index) { "" } else { "# " };
            let by_rows = layouts.height_width_channel() && map.as_ref().is_some_and(|map| map.layer == parameter.name);
            let transform = match (transforms, map.as_ref().filter(|_| by_rows)) {
                (Transforms::None, _) => None,
                (Transforms::Named(name), None) => Some(quoted(name)),
                (Transforms::Named(name), Some(Map { height, width, .. })) => {
                    let sizes = format!("{{ height = {height}, width = {width} }}");
                    Some(format!("[{}, {{ flattened-hwc-to-chw = {sizes} }}]", quoted(name)))
                }
            };
            let entry = match transform {
                Some(transform) => format!("{{ from = {}, transform = {transform} }}", quoted(name)),
                None => quoted(name),
            };
            let _ = writeln!(text, "{start}{} = {entry}  # {:?}", quoted(&parameter.name), tensor.shape());
            if by_rows && index == 0 {
                text.push_str(
                    "# \"transpose\" alone where the map was flattened channel by channel, as PyTorch does\n",
                );
            }
        }
        match found.len() {
            0 => text.push_str("# no tensor has this shape in any layout\n"),
            count if count > LISTED => {
                let _ = writeln!(text, "# and {} more", count.saturating_sub(LISTED));
            }
            _ => {}
        }
    }
    Some(text)
}

/// The checkpoint's tensors that can be weights, by the names that a map gives them.
fn floats(checkpoint: &Checkpoint) -> Vec<(String, &Tensor)> {
    let of_group = |group: &crate::Group, name: &str| match (checkpoint.groups.len(), group.key.as_str()) {
        (1, _) | (_, "") => name.to_owned(),
        (_, key) => format!("{key}.{name}"),
    };
    let all = checkpoint.groups.iter().flat_map(|group| group.tensors.iter().map(move |pair| (group, pair)));
    let floats = all.filter(|(_, (_, tensor))| tensor.dtype().is_float());
    floats.map(|(group, (name, tensor))| (of_group(group, name), tensor)).collect()
}

/// The matrix that comes right after the feature map, and the map's size.
struct Map {
    layer: String,
    height: usize,
    width: usize,
}

/// `None` where the network contradicts itself; an inner `None` where no matrix follows a map of several pixels.
#[allow(clippy::option_option, reason = "the outer is a failure, the inner an answer")]
fn flattened(network: &Network) -> Option<Option<Map>> {
    let steps = network.trace().ok()?;
    let map = steps.iter().find_map(|step| match (&step.layer.op, step.input) {
        (Op::Flatten(_), Shape::Map { height, width, .. }) if height.max(width) > 1 => Some((height, width)),
        _ => None,
    });
    let matrix = steps.iter().find(|step| matches!(step.layer.op, Op::Linear(_)));
    let layer = matrix.map(|step| format!("{}.weight", step.layer.name));
    Some(map.zip(layer).map(|((height, width), layer)| Map { layer, height, width }))
}

/// How well the kernels and matrices of the network are found among the tensors, from 0 to 1000: exact ones count for more
/// than those of other widths.
fn suited(network: &Network, tensors: &[(String, &Tensor)], layouts: &Layouts) -> usize {
    let parameters = network.parameters().unwrap_or_default();
    let score = |parameter: &Parameter| match candidates(parameter, tensors, layouts, &[]).first() {
        Some(found) if found.tensor.elements() == parameter.elements() => 1000,
        Some(_) => 100,
        None => 0usize,
    };
    let scores: Vec<usize> = parameters.iter().filter(|parameter| parameter.shape.len() > 1).map(score).collect();
    scores.iter().fold(0, |sum, score| score.saturating_add(sum)).checked_div(scores.len()).unwrap_or_default()
}

/// A tensor that can be a parameter.
struct Candidate<'t> {
    name: &'t str,
    tensor: &'t Tensor,
    transforms: Transforms,
    /// The first axis after the transform.
    outputs: usize,
}

/// The tensors that have a parameter's shape in some layout, with the transform that turns it; where none has, those of other
/// widths: kernels of its size, and all matrices. Vectors are as long as one of the layer's candidates has `outputs`.
fn candidates<'t>(
    parameter: &Parameter,
    tensors: &'t [(String, &'t Tensor)],
    layouts: &Layouts,
    outputs: &[usize],
) -> Vec<Candidate<'t>> {
    let suits = |alike: &dyn Fn(&[usize]) -> bool| {
        let found = tensors.iter().filter_map(|(name, tensor)| {
            let mut readings = layouts.readings(tensor.shape());
            let (transforms, shape) = readings.find(|(_, shape)| alike(shape))?;
            let outputs = shape.first().copied().unwrap_or_default();
            Some(Candidate { name: name.as_str(), tensor, transforms, outputs })
        });
        found.collect::<Vec<_>>()
    };
    // Whatever the network's width is: a layer's vectors are as long as its kernel says.
    if parameter.shape.len() == 1 && !outputs.is_empty() {
        return suits(&|shape| matches!(shape, [length] if outputs.contains(length)));
    }
    let exact = suits(&|shape| shape == parameter.shape);
    if !exact.is_empty() {
        return exact;
    }
    match &parameter.shape[..] {
        [_, _, kernel @ ..] if !kernel.is_empty() => suits(&|shape| shape.get(2..) == Some(kernel)),
        shape => suits(&|other| other.len() == shape.len()),
    }
}

/// The candidate that needs no choice: the only one, or the only one that is named after the layer.
fn ready(parameter: &Parameter, found: &[Candidate<'_>]) -> Option<usize> {
    if found.len() == 1 {
        return Some(0);
    }
    let layer = parameter.name.split('.').next().unwrap_or_default();
    let named = |name: &str| name.split(|c: char| !c.is_ascii_alphanumeric()).any(|part| part == layer);
    let mut named = found.iter().enumerate().filter(|(_, candidate)| named(candidate.name));
    match (named.next(), named.next()) {
        // The list shows the first few: what is ready has to be among them.
        (Some((index, _)), None) => Some(index).filter(|index| *index < LISTED),
        _ => None,
    }
}

/// A basic string of TOML. JSON's escapes are TOML's, but for DEL, which TOML wants escaped too.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string().replace('\u{7f}', "\\u007f")
}

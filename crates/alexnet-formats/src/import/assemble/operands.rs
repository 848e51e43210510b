//! The trained tensors of nodes that become one layer, as that layer's parameters.

use super::view::View;
use crate::import::attempt::Resolved;
use crate::{Error, Result, Transform};
use alexnet_spec::graph::{Node, NodeOp, Operand};
use alexnet_spec::{DType, Op, Tensor};

/// A parameter of a merged layer.
pub(super) struct Parameter {
    pub role: &'static str,
    pub resolved: Resolved,
    pub tensor: Tensor,
}

/// One node's share of a merged layer.
#[derive(Clone)]
pub(super) struct Part<'g> {
    pub node: &'g Node,
    pub view: View,
    /// What has to happen to its weight after the operand's own transform.
    pub weight: Vec<Transform>,
    /// How many outputs it has.
    pub out: usize,
}

/// What stands in for a tensor that no node has.
const DEFAULTS: [(&str, f32); 2] = [("bias", 0.0), ("weight", 1.0)];

/// The parameter `role` of all `parts` together, joined along the outputs.
///
/// `optional`: what is left out has its usual value, a bias of zero or a scale of one, which `notes` says.
pub(super) fn join(
    parts: &[Part<'_>],
    role: &'static str,
    optional: bool,
    notes: &mut Vec<String>,
) -> Result<Parameter> {
    let found: Vec<Option<&Operand>> =
        parts.iter().map(|part| part.node.operands.iter().find(|operand| operand.role == role)).collect();
    if found.iter().all(Option::is_none)
        && optional
        && let Some((_, value)) = DEFAULTS.iter().find(|(name, _)| *name == role)
    {
        notes.push(format!("{} has no {role} in the file: {value} is written", named(parts)));
        let count = parts.iter().try_fold(0usize, |sum, part| sum.checked_add(part.out)).unwrap_or_default();
        let tensor = Tensor::from_f32(vec![count], &vec![*value; count])?;
        return Ok(Parameter { role, resolved: resolved(Vec::new(), Transform::Identity, DType::F32), tensor });
    }
    let (mut sources, mut tensors, mut transforms) = (Vec::new(), Vec::new(), Vec::new());
    for (part, operand) in parts.iter().zip(found) {
        let Some(operand) = operand else {
            return Err(Error::refused(format!("`{}` has no {role}", part.node.name.escape_debug())));
        };
        let mut steps = vec![operand.transform.clone()];
        // What a batch norm has, all of it follows the order of its features.
        if role == "weight" || matches!(part.node.op, NodeOp::Layer(Op::BatchNorm2d(_))) {
            steps.extend(part.weight.iter().cloned());
        }
        sources.extend(operand.sources.iter().cloned());
        tensors.extend(operand.tensors.iter().cloned());
        transforms.push((operand.tensors.len(), chained(steps)));
    }
    let transform = match <[_; 1]>::try_from(transforms) {
        Ok([(_, transform)]) => transform,
        Err(parts) => Transform::Join { axis: 0, parts },
    };
    let dtype = tensors.first().map_or(DType::F32, Tensor::dtype);
    let tensor =
        transform.apply(&tensors).map_err(|error| Error::refused(format!("{role} of {}: {error}", named(parts))))?;
    Ok(Parameter { role, resolved: resolved(sources, transform, dtype), tensor })
}

fn resolved(sources: Vec<String>, transform: Transform, dtype: DType) -> Resolved {
    Resolved { sources, transform, dtype }
}

/// Steps as one transform, without those that do nothing.
fn chained(steps: Vec<Transform>) -> Transform {
    let mut flat = Vec::new();
    for step in steps {
        match step {
            Transform::Identity => {}
            Transform::Chain(inner) => flat.extend(inner.into_iter().filter(|step| *step != Transform::Identity)),
            other => flat.push(other),
        }
    }
    match flat.len() {
        0 => Transform::Identity,
        1 => flat.remove(0),
        _ => Transform::Chain(flat),
    }
}

/// `` `conv1a` and `conv1b` ``
pub(super) fn named(parts: &[Part<'_>]) -> String {
    let names: Vec<String> = parts.iter().map(|part| format!("`{}`", part.node.name.escape_debug())).collect();
    names.join(" and ")
}

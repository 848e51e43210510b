//! Trees of small dictionaries, one for each layer: `{"conv1": {"weights": ..., "biases": ...}, ...}`, `{"conv1": [W, b], ...}`,
//! `{"params": {"Conv_0": {"kernel": ..., "bias": ...}}}`. Their tensors belong together, under dotted names.

use crate::shown::shown;
use crate::{Error, Group, Result};
use std::collections::HashSet;

/// A layer has no more tensors than this; a state dict has more.
const LAYER: usize = 8;

/// The groups of such a tree as one, at the root; any others as they are.
///
/// Errs where two tensors come to have one name.
pub(crate) fn joined(groups: Vec<Group>) -> Result<Vec<Group>> {
    let is_layer = |group: &Group| group.modules.is_empty() && group.tensors.len() <= LAYER;
    if groups.len() < 2 || !groups.iter().all(is_layer) {
        return Ok(groups);
    }
    let (mut joined, mut seen) = (Group::default(), HashSet::new());
    for group in groups {
        let full = |name: String| match group.key.as_str() {
            "" => name,
            key => format!("{key}.{name}"),
        };
        joined.tensors.extend(group.tensors.into_iter().map(|(name, tensor)| (full(name), tensor)));
        for mut unreadable in group.unreadable {
            unreadable.name = full(unreadable.name);
            joined.unreadable.push(unreadable);
        }
    }
    let names = joined.tensors.iter().map(|(name, _)| name).chain(joined.unreadable.iter().map(|tensor| &tensor.name));
    match names.into_iter().find(|name| !seen.insert(name.as_str())) {
        Some(name) => Err(Error::malformed(format!("there are two tensors `{}`", shown(name.as_bytes())))),
        None => Ok(vec![joined]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alexnet_spec::Tensor;

    fn group(key: &str, names: &[&str]) -> Group {
        let tensor = |name: &&str| (name.to_string(), Tensor::from_f32(vec![1], &[1.0]).unwrap());
        Group { key: key.into(), tensors: names.iter().map(tensor).collect(), ..Group::default() }
    }

    fn shape(groups: &[Group]) -> Vec<(&str, Vec<&str>)> {
        let names = |group: &Group| group.tensors.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
        groups
            .iter()
            .map(|group| (group.key.as_str(), names(group).leak().iter().map(String::as_str).collect()))
            .collect()
    }

    #[test]
    fn layers_become_one_group_with_dotted_names() {
        let tree = joined(vec![group("", &["step"]), group("conv1", &["0", "1"]), group("p.fc6", &["w"])]).unwrap();
        assert_eq!(shape(&tree), [("", vec!["step", "conv1.0", "conv1.1", "p.fc6.w"])]);
    }

    #[test]
    fn a_state_dict_beside_others_stays_what_it_is() {
        let names = ["a", "b", "c", "d", "e", "f", "g", "h", "i"];
        let groups = joined(vec![group("net", &names), group("head", &["w"])]).unwrap();
        assert_eq!(shape(&groups), [("net", names.to_vec()), ("head", vec!["w"])]);
        let alone = joined(vec![group("net", &["w"])]).unwrap();
        assert_eq!(shape(&alone), [("net", vec!["w"])]);
    }

    #[test]
    fn dots_in_keys_make_no_two_tensors_one() {
        let error = joined(vec![group("a.b", &["c"]), group("a", &["b.c"])]).unwrap_err();
        assert!(error.to_string().contains("two tensors `a.b.c`"), "{error}");
    }
}

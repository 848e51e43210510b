use super::stored::{Key, Stored};
use crate::hdf5::Object;
use crate::shown::shown;
use crate::{Error, Limits, Result};
use alexnet_spec::Tensor;
use std::cmp::Ordering;
use std::collections::BTreeMap;

/// The weights of a `.weights.h5`, as Keras 3 and the last of Keras 2 write it: `layers/conv2d_1/vars/0`, by class and number.
pub(crate) struct Saved {
    /// By path, in the order of people: `conv2d_10` after `conv2d_9`.
    tensors: Vec<(String, Tensor)>,
    /// What the user called the layer that has these variables, where the file says.
    called: BTreeMap<String, String>,
}

/// The group of a model's layers; the second is TensorFlow's name for it.
const LAYERS: [&str; 2] = ["layers", "_layer_checkpoint_dependencies"];
const VARIABLES: &str = "vars";

impl Saved {
    /// Whether a root group is that of a `.weights.h5`.
    pub fn recognises(root: &Object<'_>) -> bool {
        root.links().is_ok_and(|links| links.iter().any(|(name, _)| LAYERS.contains(&name.as_str())))
    }

    /// Reads all variables of the layers; an optimizer's are left alone.
    pub fn read(root: &Object<'_>, limits: &Limits) -> Result<Saved> {
        let mut saved = Saved { tensors: Vec::new(), called: BTreeMap::new() };
        for (path, dataset) in root.datasets()? {
            if !LAYERS.iter().any(|layers| path.split('/').next() == Some(*layers)) {
                continue;
            }
            if saved.tensors.len() >= limits.tensors {
                return Err(Error::limit("tensors", "one more tensor", limits.tensors));
            }
            let place = |error: Error| error.at(format!("`{}`", shown(path.as_bytes())));
            let tensor = dataset.data().and_then(|data| data.tensor()).map_err(place)?;
            if let Some((variables, _)) = path.rsplit_once('/')
                && !saved.called.contains_key(variables)
                && let Some(group) = root.get(variables)?
                && let Some(name) = group.attribute("name")?
            {
                saved.called.insert(variables.to_owned(), name.text()?);
            }
            saved.tensors.push((path, tensor));
        }
        saved.tensors.sort_by(|(a, _), (b, _)| natural(a, b));
        Ok(saved)
    }

    /// All tensors by path.
    pub fn tensors(&self) -> &[(String, Tensor)] {
        &self.tensors
    }
}

impl Stored for Saved {
    #[allow(private_interfaces, reason = "only its own module asks")]
    fn weights(&self, path: &[Key]) -> Result<Vec<(String, Tensor)>> {
        for layers in LAYERS {
            let mut at: String = path.iter().map(|key| format!("{layers}/{}/", key.saved)).collect();
            at.push_str(VARIABLES);
            let inside = |name: &str| name.strip_prefix(at.as_str()).is_some_and(|rest| rest.starts_with('/'));
            let found: Vec<_> = self.tensors.iter().filter(|(name, _)| inside(name)).cloned().collect();
            let name = path.last().map(|key| &key.name);
            if let (Some(called), Some(name)) = (self.called.get(&at), name)
                && called != name
                && !found.is_empty()
            {
                let (at, called) = (shown(at.as_bytes()), shown(called.as_bytes()));
                return Err(Error::malformed(format!("`{at}` is of layer `{called}`, where `{name}` should be")));
            }
            if !found.is_empty() {
                return Ok(found);
            }
        }
        Ok(Vec::new())
    }
}

/// Keras 3's name for a class: `conv2d`, `max_pooling2d`, `re_lu` (`to_snake_case` of `keras/src/utils/naming.py`).
pub(super) fn snake_case(class: &str) -> String {
    let characters: Vec<char> = class.chars().filter(|c| c.is_alphanumeric() || *c == '_').collect();
    let mut snake = String::new();
    for (index, c) in characters.iter().enumerate() {
        let before = index.checked_sub(1).and_then(|index| characters.get(index));
        let after = characters.get(index.saturating_add(1));
        // Before a capital that begins a word, and between a small letter and a capital.
        let begins = c.is_ascii_uppercase()
            && before.is_some_and(|b| b.is_ascii_lowercase() || after.is_some_and(char::is_ascii_lowercase));
        if begins && before != Some(&'_') {
            snake.push('_');
        }
        snake.extend(c.to_lowercase());
    }
    snake
}

/// Runs of digits by their value, everything else by the alphabet.
fn natural(a: &str, b: &str) -> Ordering {
    let (mut a, mut b) = (a.as_bytes(), b.as_bytes());
    loop {
        let digits = |text: &[u8]| text.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let order = match (digits(a), digits(b)) {
            (0, _) | (_, 0) => match (a.split_first(), b.split_first()) {
                (Some((x, rest_a)), Some((y, rest_b))) => {
                    (a, b) = (rest_a, rest_b);
                    x.cmp(y)
                }
                (x, y) => return x.is_some().cmp(&y.is_some()),
            },
            (x, y) => {
                let ((number_a, rest_a), (number_b, rest_b)) = (a.split_at(x), b.split_at(y));
                (a, b) = (rest_a, rest_b);
                let (x, y) = (without_zeros(number_a), without_zeros(number_b));
                x.len().cmp(&y.len()).then(x.cmp(y)).then(number_a.len().cmp(&number_b.len()))
            }
        };
        if order != Ordering::Equal {
            return order;
        }
    }
}

fn without_zeros(number: &[u8]) -> &[u8] {
    let zeros = number.iter().take_while(|digit| **digit == b'0').count();
    number.get(zeros..).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_are_named_as_keras_names_them() {
        // Printed by keras.src.utils.naming.to_snake_case of Keras 3.15.
        let cases = [
            ("Conv2D", "conv2d"),
            ("MaxPooling2D", "max_pooling2d"),
            ("ReLU", "re_lu"),
            ("BatchNormalization", "batch_normalization"),
            ("TFOpLambda", "tf_op_lambda"),
            ("ZeroPadding2D", "zero_padding2d"),
            ("LeakyReLU", "leaky_re_lu"),
            ("LRN", "lrn"),
            ("LRN2D", "lrn2d"),
            ("GlobalAveragePooling2D", "global_average_pooling2d"),
        ];
        for (class, name) in cases {
            assert_eq!(snake_case(class), name, "{class}");
        }
    }

    #[test]
    fn numbers_sort_by_value() {
        let mut names = ["conv2d_10", "conv2d_9", "conv2d", "dense", "conv2d_1", "conv2d_09"];
        names.sort_by(|a, b| natural(a, b));
        assert_eq!(names, ["conv2d", "conv2d_1", "conv2d_9", "conv2d_09", "conv2d_10", "dense"]);
    }
}

//! Checkpoints made by hand: names and shapes as the repositories' own state dicts have them.
#![allow(dead_code, reason = "each test binary uses its part")]

use alexnet_formats::{Attribute, Checkpoint, Group, ImportOptions, Imported, Module, Result, import};
use alexnet_spec::{DType, Metadata, Tensor, networks};
use bytes::Bytes;

/// A tensor of `shape` whose elements are all the same four bytes: full-size networks cost nothing.
pub fn tensor(shape: &[usize]) -> Tensor {
    let zero = Bytes::from(vec![0; 4]);
    Tensor::strided(DType::F32, shape.to_vec(), vec![0; shape.len()], 0, zero).unwrap()
}

/// A group from names and shapes.
pub fn group(key: &str, tensors: &[(String, Vec<usize>)]) -> Group {
    let tensors = tensors.iter().map(|(name, shape)| (name.clone(), tensor(shape))).collect();
    Group { key: key.to_owned(), tensors, ..Group::default() }
}

pub fn checkpoint(groups: Vec<Group>, metadata: Option<Metadata>) -> Checkpoint {
    Checkpoint { metadata, ..Checkpoint::new("test", groups) }
}

/// Weight and bias of each module, in order.
fn parameters(modules: &[&str], weights: &[&[usize]]) -> Vec<(String, Vec<usize>)> {
    let pair = |(module, weight): (&&str, &&[usize])| {
        [(format!("{module}.weight"), weight.to_vec()), (format!("{module}.bias"), vec![weight[0]])]
    };
    modules.iter().zip(weights).flat_map(pair).collect()
}

/// `torchvision.models.alexnet(num_classes=classes).state_dict()`, as its documentation and formats have it.
pub fn torchvision(classes: usize) -> Vec<(String, Vec<usize>)> {
    let modules = [
        "features.0",
        "features.3",
        "features.6",
        "features.8",
        "features.10",
        "classifier.1",
        "classifier.4",
        "classifier.6",
    ];
    parameters(
        &modules,
        &[
            &[64, 3, 11, 11],
            &[192, 64, 5, 5],
            &[384, 192, 3, 3],
            &[256, 384, 3, 3],
            &[256, 256, 3, 3],
            &[4096, 9216],
            &[4096, 4096],
            &[classes, 4096],
        ],
    )
}

/// The shapes of the Caffe release's networks under the names of `modules`.
pub fn caffe(modules: [&str; 8]) -> Vec<(String, Vec<usize>)> {
    parameters(
        &modules,
        &[
            &[96, 3, 11, 11],
            &[256, 48, 5, 5],
            &[384, 256, 3, 3],
            &[384, 192, 3, 3],
            &[256, 192, 3, 3],
            &[4096, 9216],
            &[4096, 4096],
            &[1000, 4096],
        ],
    )
}

pub const JIECAOYU: [&str; 8] = [
    "features.0",
    "features.4",
    "features.8",
    "features.10",
    "features.12",
    "classifier.0",
    "classifier.3",
    "classifier.6",
];
pub const CADENE: [&str; 8] =
    ["_features.0", "_features.3", "_features.6", "_features.8", "_features.10", "linear0", "linear1", "last_linear"];
pub const CANONICAL: [&str; 8] = ["conv1", "conv2", "conv3", "conv4", "conv5", "fc6", "fc7", "fc8"];

/// The same tensors under other modules' names.
pub fn renamed(tensors: &[(String, Vec<usize>)], modules: [&str; 8]) -> Vec<(String, Vec<usize>)> {
    let names = modules.iter().flat_map(|module| ["weight", "bias"].map(|role| format!("{module}.{role}")));
    names.zip(tensors).map(|(name, (_, shape))| (name, shape.clone())).collect()
}

/// The same tensors with `change` made to their names.
pub fn named(tensors: &[(String, Vec<usize>)], change: impl Fn(&str) -> String) -> Vec<(String, Vec<usize>)> {
    tensors.iter().map(|(name, shape)| (change(name), shape.clone())).collect()
}

/// The same tensors, one with another shape.
pub fn reshaped(mut tensors: Vec<(String, Vec<usize>)>, name: &str, shape: &[usize]) -> Vec<(String, Vec<usize>)> {
    tensors.iter_mut().find(|(found, _)| found == name).unwrap().1 = shape.to_vec();
    tensors
}

/// The same tensors without those whose names begin with `prefix`.
pub fn without(mut tensors: Vec<(String, Vec<usize>)>, prefix: &str) -> Vec<(String, Vec<usize>)> {
    let before = tensors.len();
    tensors.retain(|(name, _)| !name.starts_with(prefix));
    assert!(tensors.len() < before, "nothing begins with {prefix}");
    tensors
}

/// The same tensors and more.
pub fn with(mut tensors: Vec<(String, Vec<usize>)>, more: &[(&str, &[usize])]) -> Vec<(String, Vec<usize>)> {
    tensors.extend(more.iter().map(|(name, shape)| ((*name).to_owned(), shape.to_vec())));
    tensors
}

/// Imports one group at the root.
pub fn import_root(tensors: &[(String, Vec<usize>)], options: &ImportOptions) -> Result<Imported> {
    import(&checkpoint(vec![group("", tensors)], None), options)
}

pub fn insist(network: &str) -> ImportOptions {
    ImportOptions { network: Some(networks::get(network).unwrap()), ..ImportOptions::default() }
}

pub fn at_key(key: &str) -> ImportOptions {
    ImportOptions { key: Some(key.to_owned()), ..ImportOptions::default() }
}

/// A module of PyTorch's own.
pub fn module(path: &str, class: &str, attributes: &[(&str, Attribute)]) -> Module {
    let attributes = attributes.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
    Module { path: path.to_owned(), class: format!("torch.nn.modules.some.{class}"), attributes }
}

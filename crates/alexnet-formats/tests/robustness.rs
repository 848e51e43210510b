//! Whatever a file says, importing it ends: with a network, or with one line of error.

mod common;

use alexnet_formats::{Attribute, Group, ImportOptions, Module, Unreadable, import, inspect};
use common::*;
use proptest::prelude::*;
use std::time::{Duration, Instant};

const PARTS: [&str; 14] = [
    "features",
    "module",
    "_orig_mod",
    "classifier",
    "0",
    "3",
    "6",
    "conv1",
    "fc6",
    "weight",
    "bias",
    "norm1",
    "",
    "a\nb",
];
const CLASSES: [&str; 8] =
    ["Sequential", "Conv2d", "ReLU", "MaxPool2d", "LocalResponseNorm", "AdaptiveAvgPool2d", "Linear", "\n"];

fn name() -> impl Strategy<Value = String> {
    proptest::collection::vec(proptest::sample::select(&PARTS[..]), 0..4).prop_map(|parts| parts.join("."))
}

fn attribute() -> impl Strategy<Value = Attribute> {
    prop_oneof![
        any::<i64>().prop_map(Attribute::Int),
        any::<f64>().prop_map(Attribute::Float),
        any::<bool>().prop_map(Attribute::Bool),
        proptest::collection::vec(any::<i64>().prop_map(Attribute::Int), 0..4).prop_map(Attribute::List),
    ]
}

fn modules() -> impl Strategy<Value = Vec<Module>> {
    let key = proptest::sample::select(
        &["stride", "padding", "kernel_size", "groups", "alpha", "output_size", "ceil_mode"][..],
    );
    let attributes = proptest::collection::vec((key, attribute()), 0..4);
    let module = (name(), proptest::sample::select(&CLASSES[..]), attributes)
        .prop_map(|(path, class, attributes)| module(&path, class, &attributes));
    proptest::collection::vec(module, 0..8)
}

/// A torchvision network with some tensors renamed or misshapen, and others beside them.
fn damaged() -> impl Strategy<Value = Group> {
    let shape = proptest::collection::vec(prop_oneof![0usize..4, Just(64), Just(usize::MAX >> 40)], 0..5);
    let damage = proptest::collection::vec(
        (0usize..16, proptest::option::of(name()), proptest::option::of(shape.clone())),
        0..4,
    );
    let more = proptest::collection::vec((name(), shape), 0..4);
    let unreadable = proptest::collection::vec(name(), 0..2);
    (damage, more, modules(), unreadable, name()).prop_map(|(damage, more, modules, unreadable, key)| {
        let mut tensors = torchvision(10);
        for (index, name, shape) in damage {
            tensors[index].0 = name.unwrap_or_else(|| tensors[index].0.clone());
            tensors[index].1 = shape.unwrap_or_else(|| tensors[index].1.clone());
        }
        tensors.extend(more);
        tensors.sort_by(|(a, _), (b, _)| a.cmp(b));
        tensors.dedup_by(|(a, _), (b, _)| a == b);
        tensors
            .retain(|(_, shape)| shape.iter().try_fold(1usize, |n, d| n.checked_mul(*d)).is_some_and(|n| n < 1 << 50));
        let unreadable = unreadable.into_iter().map(|name| Unreadable { name, reason: "is odd".into() }).collect();
        Group { modules, unreadable, ..group(&key, &tensors) }
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn an_import_ends_in_a_network_or_in_one_line(
        groups in proptest::collection::vec(damaged(), 1..3),
        network in proptest::option::of(proptest::sample::select(&["torchvision", "bvlc", "single-column-bn"][..])),
        key in proptest::option::of(name()),
    ) {
        let options = ImportOptions { network: network.and_then(alexnet_spec::networks::get), key, ..ImportOptions::default() };
        let checkpoint = checkpoint(groups, None);
        if let Err(error) = import(&checkpoint, &options) {
            prop_assert_eq!(error.to_string().lines().count(), 1, "{}", error);
        }
        inspect(&checkpoint, &options);
    }
}

/// As many places as a file may have, none of which is an AlexNet.
#[test]
fn a_file_full_of_near_misses_takes_no_longer_than_its_size_explains() {
    let groups =
        (0..2000).map(|index| group(&format!("g{index}"), &[("features.0.weight".to_owned(), vec![64, 3, 11, 11])]));
    let prefixes: Vec<_> = (0..20_000).map(|index| (format!("p{index}.conv1.weight"), vec![1])).collect();
    let checkpoint = checkpoint(groups.chain([group("many", &prefixes)]).collect(), None);
    let start = Instant::now();
    assert!(import(&checkpoint, &ImportOptions::default()).is_err());
    assert!(start.elapsed() < Duration::from_secs(20), "{:?}", start.elapsed());
}

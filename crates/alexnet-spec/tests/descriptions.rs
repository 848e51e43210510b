//! Network descriptions: what JSON may say, and what is refused with which words.

use alexnet_spec::{Network, networks};
use serde_json::{Value, json};

/// The tiny torchvision network as JSON, changed by `edit`.
fn edited(edit: impl FnOnce(&mut Value)) -> Result<Network, alexnet_spec::Error> {
    let network = networks::get("torchvision").unwrap().shrunk(16, 10).unwrap();
    let mut value: Value = serde_json::from_str(&network.to_json()).unwrap();
    edit(&mut value);
    Network::from_json(&value.to_string())
}

fn layer<'a>(value: &'a mut Value, name: &str) -> &'a mut Value {
    value["layers"].as_array_mut().unwrap().iter_mut().find(|layer| layer["name"] == name).unwrap()
}

#[test]
fn an_unchanged_description_is_accepted() {
    edited(|_| ()).unwrap();
}

#[test]
fn what_is_malformed_is_refused_and_named() {
    type Edit = fn(&mut Value);
    let cases: &[(&str, Edit, &[&str])] = &[
        ("unknown key of the network", |v| v["colour"] = json!(1), &["colour"]),
        ("unknown key of a layer", |v| layer(v, "conv1")["dilation"] = json!(2), &["conv1", "dilation"]),
        ("unknown operation", |v| layer(v, "relu1")["op"] = json!("Gelu"), &["relu1", "Gelu"]),
        ("no operation", |v| _ = layer(v, "relu1").as_object_mut().unwrap().remove("op"), &["relu1", "op"]),
        ("a size of the wrong type", |v| layer(v, "conv1")["out"] = json!("4"), &["conv1"]),
        ("a negative size", |v| layer(v, "conv1")["out"] = json!(-4), &["conv1"]),
        ("a name twice", |v| layer(v, "relu2")["name"] = json!("relu1"), &["relu1", "two layers"]),
        ("an empty name", |v| layer(v, "relu2")["name"] = json!(""), &["name"]),
        ("a name with a path", |v| layer(v, "relu2")["name"] = json!("../relu2"), &["../relu2"]),
        ("a name that graphs use", |v| layer(v, "relu2")["name"] = json!("input"), &["input"]),
        ("no layers", |v| v["layers"] = json!([]), &["0 layers"]),
        ("labels that don't fit", |v| v["labels"] = json!("wnid"), &["1000", "10"]),
        ("a mean too few", |v| v["preprocessing"]["mean"] = json!({"per-channel": [0.1, 0.2]}), &["2", "mean", "3"]),
        ("a divisor of zero", |v| v["preprocessing"]["std"] = json!([0.2, 0.0, 0.2]), &["std"]),
        (
            "an image too small",
            |v| v["preprocessing"]["resize"]["short-side"]["size"] = json!(200),
            &["200x200", "224x224"],
        ),
        ("no channels", |v| v["input"]["channels"] = json!(0), &[]),
    ];
    for (what, edit, words) in cases {
        let Err(error) = edited(edit) else { panic!("{what}: accepted") };
        let message = error.to_string();
        for word in *words {
            assert!(message.contains(word), "{what}: `{message}` lacks `{word}`");
        }
        assert!(!message.contains('\n'), "{what}: {message}");
    }
}

#[test]
fn shape_errors_name_the_layer_and_both_sizes() {
    type Edit = fn(&mut Value);
    let cases: &[(&str, Edit, &[&str])] = &[
        ("groups that don't divide", |v| layer(v, "conv2")["groups"] = json!(3), &["conv2", "Conv2d", "3", "4"]),
        ("a kernel larger than its input", |v| layer(v, "conv5")["kernel"] = json!([40, 3]), &["conv5", "40", "15"]),
        ("a stride of zero", |v| layer(v, "conv1")["stride"] = json!([0, 4]), &["conv1", "stride 0"]),
        ("a pool of padding alone", |v| layer(v, "pool2")["pads"] = json!([3, 0, 0, 0]), &["pool2", "MaxPool2d", "3"]),
        (
            "a map where a vector must be",
            |v| v["layers"].as_array_mut().unwrap().retain(|l| l["name"] != "flatten"),
            &["fc6", "Linear", "16x6x6"],
        ),
        (
            "a vector where a map must be",
            |v| {
                v["layers"]
                    .as_array_mut()
                    .unwrap()
                    .push(json!({"name": "late", "op": "MaxPool2d", "kernel": [2, 2], "stride": [2, 2]}))
            },
            &["late", "MaxPool2d", "vector of 10"],
        ),
        (
            "a norm whose towers don't divide",
            |v| {
                v["layers"].as_array_mut().unwrap().insert(
                    1,
                    json!({"name": "n", "op": "LocalResponseNorm", "size": 5, "alpha": 1e-4, "beta": 0.75, "k": 1.0, "groups": 3}),
                )
            },
            &["`n`", "3", "4"],
        ),
        (
            "a norm that may divide by zero",
            |v| {
                v["layers"].as_array_mut().unwrap().insert(
                    1,
                    json!({"name": "n", "op": "LocalResponseNorm", "size": 5, "alpha": 1e-4, "beta": 0.75, "k": 0.0}),
                )
            },
            &["`n`", "k 0"],
        ),
        ("no outputs", |v| layer(v, "fc7")["out"] = json!(0), &["fc7"]),
        ("a huge layer", |v| layer(v, "fc7")["out"] = json!(u64::MAX), &["fc7"]),
        ("a huge convolution", |v| layer(v, "conv3")["out"] = json!(1u64 << 60), &["conv3"]),
        ("huge padding", |v| layer(v, "conv3")["pads"] = json!([1u64 << 63, 0, 0, 0]), &["conv3"]),
    ];
    for (what, edit, words) in cases {
        let Err(error) = edited(edit) else { panic!("{what}: accepted") };
        let message = error.to_string();
        for word in *words {
            assert!(message.contains(word), "{what}: `{message}` lacks `{word}`");
        }
    }
}

#[test]
fn a_softmax_may_only_stand_last() {
    let mut network = networks::get("torchvision").unwrap().with_softmax();
    network.trace().unwrap();
    assert_eq!(network.output_name(), "probabilities");
    let layers = network.layers.len();
    network = network.with_softmax();
    assert_eq!(network.layers.len(), layers, "one softmax is enough");
    network.layers.swap(layers - 2, layers - 1);
    let message = network.trace().unwrap_err().to_string();
    assert!(message.contains("prob") && message.contains("last"), "{message}");
}

#[test]
fn another_class_count_loses_labels_that_no_longer_fit() {
    for entry in networks::ALL {
        let network = (entry.network)().with_classes(365).unwrap();
        assert_eq!((network.class_count(), network.labels.len()), (Some(365), None), "{}", entry.name);
        network.trace().unwrap();
        let same = (entry.network)().with_classes(1000).unwrap();
        assert_eq!(same, (entry.network)(), "{}", entry.name);
        (entry.network)().with_classes(0).unwrap_err();
    }
}

#[test]
fn features_end_with_pool5_and_have_no_classes() {
    for entry in networks::ALL {
        let features = (entry.network)().features_only();
        // The programs of 2012 to 2014 have conv5's ReLU on its pool.
        let expected = if ["krizhevsky-2012", "cuda-convnet2"].contains(&entry.name) { "relu5" } else { "pool5" };
        assert_eq!(features.output_name(), expected, "{}", entry.name);
        assert_eq!(features.class_count(), None);
        let size = if entry.name == "slim" { "256x5x5" } else { "256x6x6" };
        assert_eq!(features.trace().unwrap().last().unwrap().output.to_string(), size);
        features.with_classes(10).unwrap_err();
    }
}

#[test]
fn widths_are_set_from_first_to_last() {
    let network = networks::get("bvlc").unwrap();
    assert_eq!(network.widths(), [96, 256, 384, 384, 256, 4096, 4096, 1000]);
    let narrow = network.clone().with_widths(&[2, 4, 6, 8, 10, 12, 14, 16]).unwrap();
    assert_eq!(narrow.widths(), [2, 4, 6, 8, 10, 12, 14, 16]);
    let message = network.clone().with_widths(&[2, 4]).unwrap_err().to_string();
    assert!(message.contains("2 widths for 8"), "{message}");
    let message = network.clone().with_widths(&[3, 4, 6, 8, 10, 12, 14, 16]).unwrap_err().to_string();
    assert!(message.contains("conv2") && message.contains('3'), "{message}");
    network.shrunk(128, 10).unwrap_err();
}

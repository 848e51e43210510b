//! What `--inspect` and reports show, to people and to programs.

mod common;

use alexnet_formats::{Group, ImportOptions, Unreadable, import, inspect};
use alexnet_spec::{DType, Metadata, Provenance, Tensor, networks};
use common::*;
use serde_json::{Value, json};

fn ema() -> alexnet_formats::Checkpoint {
    let groups = vec![Group::default(), group("state_dict", &torchvision(10)), group("ema", &torchvision(10))];
    checkpoint(groups, None)
}

#[test]
fn a_convertible_file_shows_what_it_becomes() {
    let json = serde_json::to_value(inspect(&ema(), &at_key("state_dict"))).unwrap();
    assert_eq!(json["format"], "test");
    assert_eq!(json["refusal"], Value::Null);
    let becomes = &json["becomes"];
    // 61,100,840 with 1000 classes, each of them 4096 weights and a bias.
    assert_eq!(becomes["parameters"], 61_100_840 - 990 * 4097);
    assert_eq!((&becomes["network"], &becomes["classes"]), (&json!("torchvision"), &json!(10)));
    let tensor = json!({"name": "features.0.weight", "dtype": "f32", "shape": [64, 3, 11, 11], "strided": true});
    assert_eq!(json["groups"][1]["tensors"][0], tensor);
    assert_eq!(json["groups"][1]["key"], "state_dict");
    assert_eq!(json["groups"][1]["bytes"], 4 * (61_100_840 - 990 * 4097));
}

#[test]
fn a_choice_shows_every_reading() {
    let inspection = inspect(&ema(), &ImportOptions::default());
    assert!(inspection.becomes.is_none());
    let refusal = inspection.refusal.clone().unwrap();
    assert!(refusal.contains("--key"), "{refusal}");
    let readings: Vec<_> =
        inspection.readings.iter().map(|r| (r.key.as_str(), r.dialect, r.networks.clone())).collect();
    let networks = vec!["torchvision".to_owned()];
    assert_eq!(readings, [("state_dict", "torchvision", networks.clone()), ("ema", "torchvision", networks)]);
    let text = inspection.to_string();
    for part in
        ["ema: 16 tensors", "features.0.weight", "[64, 3, 11, 11], strided", "ema with torchvision names: torchvision"]
    {
        assert!(text.contains(part), "{part}: {text}");
    }
}

#[test]
fn a_file_that_is_no_alexnet_is_shown_all_the_same() {
    let mut group = group("", &with(vec![], &[("layer1.0.conv1.weight", &[64, 64, 3, 3])]));
    group.unreadable.push(Unreadable { name: "sparse".into(), reason: "is sparse".into() });
    let inspection = inspect(&checkpoint(vec![group], None), &ImportOptions::default());
    assert!(inspection.refusal.as_ref().unwrap().contains("a ResNet"));
    let text = inspection.to_string();
    assert!(
        text.contains("sparse: can't be read: is sparse") && text.contains("can't be converted as it is"),
        "{text}"
    );
    assert_eq!(serde_json::to_value(&inspection).unwrap()["groups"][0]["unreadable"], json!([["sparse", "is sparse"]]));
}

#[test]
fn the_network_in_the_metadata_is_shown() {
    let network = networks::get("caffenet").unwrap();
    let metadata = Metadata::new(&network, &Provenance::default());
    let inspection =
        inspect(&checkpoint(vec![group("", &caffe(CANONICAL))], Some(metadata)), &ImportOptions::default());
    assert_eq!(inspection.described.as_deref(), Some("caffenet"));
}

/// Programs read these names.
#[test]
fn the_fields_of_a_report_are_stable() {
    let tensors = with(named(&caffe(JIECAOYU), |name| format!("module.{name}")), &[("n_averaged", &[])]);
    let mut imported = import_root(&tensors, &ImportOptions::default()).unwrap();
    imported.report.record_conversion(&imported.weights, DType::F16);
    let json = serde_json::to_value(&imported.report).unwrap();
    let fields: Vec<&String> = json.as_object().unwrap().keys().collect();
    let mut expected = [
        "format",
        "dialect",
        "network",
        "classes",
        "key",
        "stripped",
        "used",
        "unused",
        "missing",
        "converted",
        "guessed",
        "notes",
    ];
    let mut seen: Vec<&str> = fields.iter().map(|field| field.as_str()).collect();
    seen.sort_unstable();
    expected.sort_unstable();
    assert_eq!(seen, expected);
    let first = json!({
        "parameter": "conv1.weight", "sources": ["module.features.0.weight"], "transform": "identity", "shape": [96, 3, 11, 11],
        "dtype": "f32"
    });
    assert_eq!(json["used"][0], first);
    assert_eq!(json["converted"][15], json!({"parameter": "fc8.bias", "from": "f32", "to": "f16"}));
    assert_eq!(json["unused"], json!([{"name": "n_averaged", "why": "a counter of weight averaging"}]));
    assert_eq!(json["guessed"][0]["what"], "network bvlc");
    assert_eq!(json["stripped"], json!(["module."]));
}

#[test]
fn a_report_reads_as_a_few_lines() {
    let tensors = without(named(&torchvision(10), |name| format!("net.{name}")), "net.classifier");
    let mut imported =
        import(&checkpoint(vec![group("state_dict", &tensors)], None), &ImportOptions::default()).unwrap();
    imported.report.record_conversion(&imported.weights, DType::BF16);
    let expected = "\
test, torchvision names, network torchvision, features only: 10 parameters from `state_dict.net`
  names without `net.`
  10 parameters converted from f32 to bf16
  not in the file: fc6.weight, fc6.bias, fc7.weight, fc7.bias, fc8.weight, fc8.bias";
    assert_eq!(imported.report.to_string(), expected);
}

#[test]
fn weights_are_views_of_the_file() {
    let network = networks::get("torchvision").unwrap().shrunk(32, 3).unwrap();
    let tensors = network.parameters().unwrap().into_iter().map(|parameter| {
        let name = alexnet_spec::naming::torchvision(&parameter.name).unwrap();
        (name, Tensor::from_f32(parameter.shape.clone(), &vec![0.5; parameter.elements()]).unwrap())
    });
    let group = Group { tensors: tensors.collect(), ..Group::default() };
    let checkpoint = checkpoint(vec![group], None);
    let imported = import(&checkpoint, &ImportOptions::default()).unwrap();
    for used in &imported.report.used {
        let source = checkpoint.groups[0].get(&used.sources[0]).unwrap();
        assert!(imported.weights.get(&used.parameter).unwrap().same_view(source), "{} was copied", used.parameter);
    }
}

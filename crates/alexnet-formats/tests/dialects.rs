//! Whose checkpoint it is, and which network.

mod common;

use alexnet_formats::{ImportOptions, Kind, import};
use alexnet_spec::{Labels, Metadata, Network, Provenance, networks};
use common::*;

fn untold() -> ImportOptions {
    ImportOptions::default()
}

#[test]
fn published_checkpoints_are_recognised() {
    let places = named(&torchvision(365), |name| name.replace("features.", "features.module."));
    let cases = [
        ("torchvision", torchvision(1000), "torchvision", 1000, Labels::Wnid, 61_100_840),
        ("places365", places, "torchvision", 365, Labels::Unknown, 61_100_840 - 635 * 4097),
        ("jiecaoyu", caffe(JIECAOYU), "bvlc", 1000, Labels::Wnid, 60_965_224),
        ("cadene", renamed(&torchvision(1000), CADENE), "torchvision", 1000, Labels::Wnid, 61_100_840),
        ("canonical", renamed(&torchvision(1000), CANONICAL), "torchvision", 1000, Labels::Wnid, 61_100_840),
    ];
    for (dialect, tensors, network, classes, labels, parameters) in cases {
        let imported = import_root(&tensors, &untold()).unwrap_or_else(|error| panic!("{dialect}: {error}"));
        assert_eq!(imported.dialect, dialect);
        assert_eq!(imported.network.name, network, "{dialect}");
        assert_eq!(imported.network.class_count(), Some(classes), "{dialect}");
        assert_eq!(imported.network.labels, labels, "{dialect}");
        assert_eq!(imported.network.parameter_count().unwrap(), parameters, "{dialect}");
        assert_eq!(imported.report.used.len(), 16, "{dialect}");
        assert!(imported.report.unused.is_empty() && imported.report.missing.is_empty(), "{dialect}");
    }
}

#[test]
fn a_report_names_each_parameter_and_its_source() {
    let report = import_root(&renamed(&torchvision(10), CADENE), &untold()).unwrap().report;
    let pairs: Vec<_> = report.used.iter().map(|used| (used.parameter.as_str(), used.sources[0].as_str())).collect();
    assert_eq!(
        &pairs[..3],
        [
            ("conv1.weight", "_features.0.weight"),
            ("conv1.bias", "_features.0.bias"),
            ("conv2.weight", "_features.3.weight")
        ]
    );
    assert_eq!(pairs[15], ("fc8.bias", "last_linear.bias"));
}

#[test]
fn wrappers_and_prefixes_are_taken_off_and_reported() {
    type Case<'a> = (&'a str, fn(&str) -> String, &'a [&'a str]);
    let cases: [Case<'_>; 9] = [
        ("DataParallel", |n| format!("module.{n}"), &["module."]),
        ("DataParallel of the features", |n| n.replace("features.", "features.module."), &["module."]),
        ("torch.compile", |n| format!("_orig_mod.{n}"), &["_orig_mod."]),
        ("compiled DataParallel", |n| format!("module._orig_mod.{n}"), &["module.", "_orig_mod."]),
        ("Lightning", |n| format!("model.{n}"), &["model."]),
        ("a wrapper of one's own", |n| format!("net.{n}"), &["net."]),
        ("two of them", |n| format!("model.backbone.{n}"), &["model.backbone."]),
        ("around DataParallel", |n| format!("encoder.module.{n}"), &["module.", "encoder."]),
        ("none", str::to_owned, &[]),
    ];
    for (what, change, stripped) in cases {
        let imported =
            import_root(&named(&torchvision(10), change), &untold()).unwrap_or_else(|e| panic!("{what}: {e}"));
        assert_eq!(imported.report.stripped, stripped, "{what}");
        assert_eq!(imported.dialect, "torchvision", "{what}");
    }
}

#[test]
fn features_without_a_classifier_are_a_network_of_features() {
    let cases = [
        without(torchvision(1000), "classifier"),
        named(&without(torchvision(1000), "classifier"), |n| format!("encoder.{n}")),
    ];
    for tensors in cases {
        let imported = import_root(&tensors, &untold()).unwrap();
        assert_eq!(imported.network.class_count(), None);
        assert_eq!(imported.network.layers.last().unwrap().name, "pool5");
        assert_eq!(imported.network.labels, Labels::Unknown);
        assert_eq!(
            imported.report.missing,
            ["fc6.weight", "fc6.bias", "fc7.weight", "fc7.bias", "fc8.weight", "fc8.bias"]
        );
    }
}

#[test]
fn half_a_classifier_is_refused_with_what_is_there_instead() {
    let head = with(
        without(torchvision(1000), "classifier.6"),
        &[
            ("classifier.6.0.weight", &[512, 4096]),
            ("classifier.6.0.bias", &[512]),
            ("classifier.6.2.weight", &[5, 512]),
            ("classifier.6.2.bias", &[5]),
        ],
    );
    let cases = [
        (without(torchvision(1000), "classifier.6"), vec!["`classifier.6.weight` is missing"]),
        (
            head,
            vec![
                "`classifier.6.weight` is missing",
                "`classifier.6.0.bias` [512]",
                "`classifier.6.0.weight` [512, 4096]",
            ],
        ),
    ];
    for (tensors, parts) in cases {
        let error = import_root(&tensors, &untold()).unwrap_err();
        assert_eq!(error.kind(), Kind::Refused, "{error}");
        for part in parts {
            assert!(error.to_string().contains(part), "{part}: {error}");
        }
    }
}

#[test]
fn widths_may_be_scaled_as_a_whole_and_are_noted() {
    let half = [
        ("features.0.weight", vec![32, 3, 11, 11]),
        ("features.3.weight", vec![96, 32, 5, 5]),
        ("features.6.weight", vec![192, 96, 3, 3]),
        ("features.8.weight", vec![128, 192, 3, 3]),
        ("features.10.weight", vec![128, 128, 3, 3]),
        ("classifier.1.weight", vec![100, 128 * 36]),
        ("classifier.4.weight", vec![50, 100]),
        ("classifier.6.weight", vec![7, 50]),
    ];
    let mut tensors = torchvision(7);
    for (name, shape) in half {
        tensors = reshaped(tensors, &name.replace("weight", "bias"), &shape[..1]);
        tensors = reshaped(tensors, name, &shape);
    }
    let imported = import_root(&tensors, &untold()).unwrap();
    assert_eq!(imported.network.widths(), [32, 96, 192, 128, 128, 100, 50, 7]);
    assert_eq!(
        imported.report.notes,
        [
            "convolutions have 32-96-192-128-128 outputs instead of 64-192-384-256-256, a factor of 0.5000",
            "fc6 has 100 outputs instead of 4096",
            "fc7 has 50 outputs instead of 4096"
        ]
    );
}

/// torchvision's names with conv3 of 400 channels.
fn odd_width() -> Vec<(String, Vec<usize>)> {
    let tensors = reshaped(torchvision(10), "features.6.weight", &[400, 192, 3, 3]);
    let tensors = reshaped(tensors, "features.6.bias", &[400]);
    reshaped(tensors, "features.8.weight", &[256, 400, 3, 3])
}

#[test]
fn other_widths_need_the_users_word() {
    let error = import_root(&odd_width(), &untold()).unwrap_err();
    assert_eq!(error.kind(), Kind::Ambiguous, "{error}");
    for part in ["64-192-400-256-256", "64-192-384-256-256", "--network", "torchvision"] {
        assert!(error.to_string().contains(part), "{part}: {error}");
    }
    let imported = import_root(&odd_width(), &insist("torchvision")).unwrap();
    assert_eq!(imported.network.widths(), [64, 192, 400, 256, 256, 4096, 4096, 10]);
    let seen = ["convolutions have 64-192-400-256-256 outputs instead of 64-192-384-256-256"];
    assert_eq!(imported.report.notes, seen);
}

#[test]
fn shapes_that_no_width_explains_are_refused_with_both() {
    let cases = [
        ("kernel", "features.3.weight", vec![192, 64, 3, 3], vec!["[192, 64, 3, 3]", "[192, 64, 5, 5]"]),
        ("input channels", "features.0.weight", vec![64, 1, 11, 11], vec!["[64, 1, 11, 11]", "[64, 3, 11, 11]"]),
        ("groups", "features.3.weight", vec![192, 32, 5, 5], vec!["[192, 32, 5, 5]", "[192, 64, 5, 5]"]),
        ("fc6", "classifier.1.weight", vec![4096, 4352], vec!["[4096, 4352]", "[4096, 9216]", "9216 features"]),
        ("rank", "classifier.1.weight", vec![4096, 256, 6, 6], vec!["[4096, 256, 6, 6]", "a matrix"]),
        ("bias", "features.0.bias", vec![63], vec!["[63]", "[64]"]),
        ("nothing", "features.0.weight", vec![0, 3, 11, 11], vec!["[0, 3, 11, 11]"]),
    ];
    for (what, name, shape, parts) in cases {
        let tensors = reshaped(torchvision(1000), name, &shape);
        for options in [untold(), insist("torchvision")] {
            let error = import_root(&tensors, &options).expect_err(what);
            assert_eq!(error.kind(), Kind::Refused, "{what}: {error}");
            for part in parts.iter().chain([&name]) {
                assert!(error.to_string().contains(part), "{what}, {part}: {error}");
            }
        }
    }
}

#[test]
fn integers_are_no_weights() {
    let mut group = group("", &torchvision(10));
    let bytes = vec![0; 64 * 3 * 11 * 11].into();
    group.tensors[0].1 = alexnet_spec::Tensor::new(alexnet_spec::DType::I8, vec![64, 3, 11, 11], bytes).unwrap();
    let error = import(&checkpoint(vec![group], None), &untold()).unwrap_err();
    assert!(error.to_string().contains("`features.0.weight` holds i8"), "{error}");
}

#[test]
fn norm_and_pool_of_the_grouped_network_are_guessed_and_the_guess_is_said() {
    let report = import_root(&caffe(JIECAOYU), &untold()).unwrap().report;
    let [guess] = &report.guessed[..] else { panic!("{report:?}") };
    assert_eq!(guess.what, "network bvlc");
    assert_eq!(guess.settle, "--network caffenet if it is that");
    let told = import_root(&caffe(JIECAOYU), &insist("caffenet")).unwrap();
    assert_eq!((told.network.name.as_str(), told.report.guessed.len()), ("caffenet", 0));
}

#[test]
fn plain_names_of_grouped_shapes_are_ambiguous() {
    let error = import_root(&caffe(CANONICAL), &untold()).unwrap_err();
    assert_eq!(error.kind(), Kind::Ambiguous);
    for name in ["--network", "bvlc", "caffenet", "paper", "krizhevsky-2012"] {
        assert!(error.to_string().contains(name), "{name}: {error}");
    }
    assert!(!error.to_string().contains("single-column"), "{error}");
    for name in ["bvlc", "caffenet", "paper", "krizhevsky-2012"] {
        assert_eq!(import_root(&caffe(CANONICAL), &insist(name)).unwrap().network.name, name);
    }
}

#[test]
fn insisting_on_a_network_that_does_not_fit_is_refused() {
    let error = import_root(&caffe(CANONICAL), &insist("single-column")).unwrap_err();
    for part in ["`conv2.weight` has shape [256, 48, 5, 5]", "single-column", "[256, 96, 5, 5]"] {
        assert!(error.to_string().contains(part), "{part}: {error}");
    }
}

#[test]
fn running_statistics_show_batch_norm() {
    let network = networks::get("single-column-bn").unwrap();
    let mut tensors: Vec<_> = network.parameters().unwrap().into_iter().map(|p| (p.name, p.shape)).collect();
    tensors.push(("norm1.num_batches_tracked".into(), vec![]));
    let imported = import_root(&tensors, &untold()).unwrap();
    assert_eq!(imported.network, network);
    assert!(imported.report.guessed.is_empty());
    assert_eq!(imported.report.unused[0].name, "norm1.num_batches_tracked");
}

#[test]
fn what_the_metadata_say_is_believed() {
    let mut network = networks::get("caffenet").unwrap().with_classes(1000).unwrap();
    network.labels = Labels::Names((0..1000).map(|i| format!("class {i}")).collect());
    let metadata = Metadata::new(&network, &Provenance::default());
    let imported = import(&checkpoint(vec![group("", &caffe(CANONICAL))], Some(metadata.clone())), &untold()).unwrap();
    assert_eq!(imported.network, network);
    assert!(imported.report.guessed.is_empty());

    let told =
        import(&checkpoint(vec![group("", &caffe(CANONICAL))], Some(metadata.clone())), &insist("bvlc")).unwrap();
    assert_eq!(told.network.name, "bvlc");
    assert!(told.report.notes[0].contains("calls itself `caffenet`"), "{:?}", told.report.notes);

    let other = reshaped(caffe(CANONICAL), "fc8.weight", &[10, 4096]);
    let error = import(&checkpoint(vec![group("", &other)], Some(metadata)), &untold()).unwrap_err();
    assert!(error.to_string().contains("[1000, 4096]"), "{error}");
}

#[test]
fn a_network_of_the_users_own_takes_its_own_names() {
    let json = r#"{"name": "tiny", "input": {"channels": 1, "height": 8, "width": 8}, "layers": [
        {"name": "stem", "op": "Conv2d", "out": 4, "kernel": [3, 3]}, {"name": "flat", "op": "Flatten"},
        {"name": "head", "op": "Linear", "out": 2}], "preprocessing": {"channel_order": "rgb", "range": "0..1",
        "mean": {"per-channel": [0.5]}, "std": [0.5], "resize": {"short-side": {"size": 8, "interpolation": "bilinear"}}}}"#;
    let network = Network::from_json(json).unwrap();
    let shapes: [(&str, &[usize]); 4] =
        [("stem.weight", &[4, 1, 3, 3]), ("stem.bias", &[4]), ("head.weight", &[5, 144]), ("head.bias", &[5])];
    let imported =
        import_root(&with(vec![], &shapes), &ImportOptions { network: Some(network), ..ImportOptions::default() })
            .unwrap();
    assert_eq!((imported.dialect, imported.network.class_count()), ("canonical", Some(5)));
}

#[test]
fn leftovers_are_an_error_unless_they_are_training_state() {
    let fine = with(torchvision(10), &[("features.1.num_batches_tracked", &[]), ("n_averaged", &[])]);
    let report = import_root(&fine, &untold()).unwrap().report;
    assert_eq!(
        report.unused.iter().map(|u| u.name.as_str()).collect::<Vec<_>>(),
        ["features.1.num_batches_tracked", "n_averaged"]
    );

    let strange = with(torchvision(10), &[("classifier.8.weight", &[10, 10])]);
    let error = import_root(&strange, &untold()).unwrap_err();
    assert_eq!(error.kind(), Kind::Refused);
    assert!(error.to_string().contains("`classifier.8.weight` [10, 10]"), "{error}");

    let foreign = with(without(torchvision(10), "classifier"), &[("fc.weight", &[10, 9216]), ("fc.bias", &[10])]);
    let error = import_root(&foreign, &untold()).unwrap_err();
    assert!(
        error.to_string().contains("`fc.weight` [10, 9216]") && error.to_string().contains("features alone"),
        "{error}"
    );
}

#[test]
fn one_tensor_under_two_names_is_no_leftover() {
    let mut group = group("", &torchvision(10));
    let tied = group.tensors[0].1.clone();
    group.tensors.push(("backbone.first.weight".into(), tied));
    let report = import(&checkpoint(vec![group], None), &untold()).unwrap().report;
    assert_eq!(report.unused[0].why, "the same tensor as conv1.weight");
}

#[test]
fn a_tensor_that_cannot_be_read_is_named_with_the_reason() {
    let mut group = group("", &without(torchvision(10), "features.3.weight"));
    let reason = "is sparse".to_owned();
    group.unreadable.push(alexnet_formats::Unreadable { name: "features.3.weight".into(), reason });
    let error = import(&checkpoint(vec![group], None), &untold()).unwrap_err();
    assert!(error.to_string().contains("`features.3.weight` can't be read: is sparse"), "{error}");
}

/// `model.classifier[6] = torch.nn.Sequential(torch.nn.Dropout(0.2), torch.nn.Linear(4096, 5))`
#[test]
fn a_last_layer_in_a_sequential_of_its_own_is_taken_and_reported() {
    let nested = |child: &str| named(&torchvision(5), |name| name.replace("classifier.6", child));
    for child in ["classifier.6.0", "classifier.6.1"] {
        let imported = import_root(&nested(child), &untold()).unwrap();
        assert_eq!(imported.network.class_count(), Some(5));
        let [guess] = &imported.report.guessed[..] else { panic!("{:?}", imported.report.guessed) };
        assert_eq!(guess.what, format!("fc8 is `{child}` alone"));
        let fc8 = imported.report.used.iter().find(|used| used.parameter == "fc8.bias").unwrap();
        assert_eq!(fc8.sources, [format!("{child}.bias")]);
    }
    let two = with(nested("classifier.6.2"), &[("classifier.6.0.weight", &[64, 4096]), ("classifier.6.0.bias", &[64])]);
    let named = nested("classifier.6.head");
    for strange in [two, named] {
        let error = import_root(&strange, &untold()).unwrap_err().to_string();
        assert!(error.contains("`classifier.6.weight` is missing; instead there are"), "{error}");
    }
}
